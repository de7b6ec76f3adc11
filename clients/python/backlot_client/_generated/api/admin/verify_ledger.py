import httpx

from .... import _calls
from ...models.verification_read import VerificationRead


def _parse(response: httpx.Response) -> VerificationRead:
    response_200 = VerificationRead.from_dict(response.json())

    return response_200


def verify_ledger() -> _calls.Call[VerificationRead]:
    """Check the invariants of the credit ledger."""

    return _calls.Call(
        "GET",
        "/v1/admin/ledger/verify",
        _parse,
        is_safe_twice=True,
    )
