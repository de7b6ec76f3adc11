import httpx

from .... import _calls
from ...models.oauth_providers import OauthProviders


def _parse(response: httpx.Response) -> OauthProviders:
    response_200 = OauthProviders.from_dict(response.json())

    return response_200


def list_oauth_providers() -> _calls.Call[OauthProviders]:
    """List the providers users can sign in with here."""

    return _calls.Call(
        "GET",
        "/v1/auth/oauth",
        _parse,
        is_safe_twice=True,
    )
