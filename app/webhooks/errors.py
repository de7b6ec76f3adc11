"""What can go wrong with webhooks."""

from app.core.problems import Problem


class WebhookEndpointNotFound(Problem):
    """There is no such webhook endpoint in this workspace."""

    status = 404


class WebhookDeliveryNotFound(Problem):
    """There is no such delivery in this workspace, or not any more.

    Deliveries are kept as long as the event log is.
    """

    status = 404


class WebhookEndpointDisabled(Problem):
    """The webhook endpoint is disabled, or deleted: nothing is sent there.

    Enable it first, with `PATCH` and `"status": "enabled"`.
    """

    status = 409


class TooManyWebhookEndpoints(Problem):
    """The workspace has as many webhook endpoints as it may have.

    Delete one it does not need; one endpoint can take events of all types.
    """

    status = 409
