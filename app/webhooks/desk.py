"""What the routes of webhooks work with."""

from dataclasses import dataclass

from app.core.egress import Egress
from app.core.sealing import Sealer
from app.core.settings import Settings
from app.webhooks import own_headers
from app.webhooks.signing import Signer


@dataclass(frozen=True, slots=True)
class WebhookDesk:
    """One per API process."""

    signer: Signer
    sealer: Sealer
    egress: Egress

    @classmethod
    def make(cls, settings: Settings, egress: Egress) -> "WebhookDesk":
        return cls(Signer(settings), Sealer(settings, own_headers.PURPOSE), egress)
