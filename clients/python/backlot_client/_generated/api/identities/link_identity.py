from typing import Any

import httpx

from .... import _calls
from ...models.identity_read import IdentityRead
from ...models.identity_token import IdentityToken
from ...models.oauth_exchange import OauthExchange


def _parse(response: httpx.Response) -> IdentityRead:
    response_201 = IdentityRead.from_dict(response.json())

    return response_201


def link_identity(
    *,
    body: IdentityToken | OauthExchange,
) -> _calls.Call[IdentityRead]:
    """Link an identity elsewhere to your account: from now on it signs you in too.

    Give the code of `GET /v1/auth/oauth/{provider}/authorize?link=true`, or a token of an issuer this
    installation
    trusts. The same again does no harm; a code is good once, so after a lost answer look at your identities
    first."""
    headers: dict[str, Any] = {}

    _kwargs: dict[str, Any] = {}

    if isinstance(body, OauthExchange):
        _kwargs["json"] = body.to_dict()
    else:
        _kwargs["json"] = body.to_dict()

    return _calls.Call(
        "POST",
        "/v1/me/identities",
        _parse,
        is_safe_twice=False,
        **_kwargs,
    )
