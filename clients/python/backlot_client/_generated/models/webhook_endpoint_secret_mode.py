from typing import Literal, cast

WebhookEndpointSecretMode = Literal["live", "test"]


def check_webhook_endpoint_secret_mode(value: str) -> WebhookEndpointSecretMode:
    return cast(WebhookEndpointSecretMode, value)
