import httpx

from .... import _calls
from ...models.export_read import ExportRead


def _parse(response: httpx.Response) -> ExportRead:
    response_202 = ExportRead.from_dict(response.json())

    return response_202


def create_export() -> _calls.Call[ExportRead]:
    """Have an archive made of all that is kept of you: a mail tells when it is ready.

    While one is being made, that one is answered with. It holds what was sent to your address, so that has to be
    verified."""

    return _calls.Call(
        "POST",
        "/v1/me/export",
        _parse,
        is_safe_twice=False,
    )
