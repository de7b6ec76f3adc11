from typing import Any

import httpx

from .... import _calls
from ...models.identity_confirm import IdentityConfirm
from ...models.identity_read import IdentityRead


def _parse(response: httpx.Response) -> IdentityRead:
    response_200 = IdentityRead.from_dict(response.json())

    return response_200


def confirm_identity(
    *,
    body: IdentityConfirm,
) -> _calls.Call[IdentityRead]:
    """Allow an identity elsewhere to sign in, by the link in the mail that asks for it. Signs nobody in by itself."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}
    _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/auth/confirm-identity",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
