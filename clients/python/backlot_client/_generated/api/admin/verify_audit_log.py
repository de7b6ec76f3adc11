import httpx

from .... import _calls
from ...models.verification_read import VerificationRead


def _parse(response: httpx.Response) -> VerificationRead:
    response_200 = VerificationRead.from_dict(response.json())

    return response_200


def verify_audit_log() -> _calls.Call[VerificationRead]:
    """Check that no entry of the audit log was changed or removed."""

    return _calls.Call(
        "GET",
        "/v1/admin/audit/verify",
        _parse,
        is_safe_twice=True,
    )
