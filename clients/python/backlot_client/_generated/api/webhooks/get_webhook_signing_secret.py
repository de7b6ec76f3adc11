import httpx

from .... import _calls
from ...models.signing_secret_read import SigningSecretRead


def _parse(response: httpx.Response) -> SigningSecretRead:
    response_200 = SigningSecretRead.from_dict(response.json())

    return response_200


def get_webhook_signing_secret() -> _calls.Call[SigningSecretRead]:
    """Read what is public of the secret that signs deliveries to the `webhook_url` of tasks."""

    return _calls.Call(
        "GET",
        "/v1/webhook-signing-secret",
        _parse,
        is_safe_twice=True,
    )
