from typing import Literal, cast

WebhookEndpointDisabledEventMode = Literal["live", "test"]


def check_webhook_endpoint_disabled_event_mode(value: str) -> WebhookEndpointDisabledEventMode:
    return cast(WebhookEndpointDisabledEventMode, value)
