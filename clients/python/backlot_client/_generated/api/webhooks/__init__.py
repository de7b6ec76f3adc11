from .create_webhook_endpoint import create_webhook_endpoint
from .delete_webhook_endpoint import delete_webhook_endpoint
from .get_webhook_delivery import get_webhook_delivery
from .get_webhook_endpoint import get_webhook_endpoint
from .get_webhook_signing_secret import get_webhook_signing_secret
from .list_endpoint_deliveries import list_endpoint_deliveries
from .list_webhook_deliveries import list_webhook_deliveries
from .list_webhook_endpoints import list_webhook_endpoints
from .redeliver_webhook import redeliver_webhook
from .redeliver_webhook_range import redeliver_webhook_range
from .rotate_webhook_secret import rotate_webhook_secret
from .rotate_webhook_signing_secret import rotate_webhook_signing_secret
from .send_webhook_test import send_webhook_test
from .update_webhook_endpoint import update_webhook_endpoint

__all__ = [
    "create_webhook_endpoint",
    "delete_webhook_endpoint",
    "get_webhook_delivery",
    "get_webhook_endpoint",
    "get_webhook_signing_secret",
    "list_endpoint_deliveries",
    "list_webhook_deliveries",
    "list_webhook_endpoints",
    "redeliver_webhook",
    "redeliver_webhook_range",
    "rotate_webhook_secret",
    "rotate_webhook_signing_secret",
    "send_webhook_test",
    "update_webhook_endpoint",
]
