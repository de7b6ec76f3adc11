from typing import Literal, cast

WebhookEndpointReadMode = Literal["live", "test"]


def check_webhook_endpoint_read_mode(value: str) -> WebhookEndpointReadMode:
    return cast(WebhookEndpointReadMode, value)
