from typing import Literal, cast

WebhookEndpointToldMode = Literal["live", "test"]


def check_webhook_endpoint_told_mode(value: str) -> WebhookEndpointToldMode:
    return cast(WebhookEndpointToldMode, value)
