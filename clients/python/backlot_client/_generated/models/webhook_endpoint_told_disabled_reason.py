from typing import Literal, cast

WebhookEndpointToldDisabledReason = Literal["failing", "gone"]


def check_webhook_endpoint_told_disabled_reason(value: str) -> WebhookEndpointToldDisabledReason:
    return cast(WebhookEndpointToldDisabledReason, value)
