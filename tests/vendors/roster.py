"""All vendors there are servers for, and what an operator sets to use them."""

from collections.abc import Iterable

from tests.vendors.fal import Fal
from tests.vendors.gemini import Gemini
from tests.vendors.leonardo import Leonardo
from tests.vendors.midjourney import Midjourney
from tests.vendors.openai import OpenAI
from tests.vendors.peer import HOST, Peer
from tests.vendors.replicate import Replicate
from tests.vendors.runware import Runware
from tests.vendors.stability import Stability
from tests.vendors.together import Together

VENDORS: dict[str, type[Peer]] = {
    kind.name: kind for kind in (Replicate, Fal, OpenAI, Runware, Stability, Gemini, Leonardo, Together, Midjourney)
}


def environment(peers: Iterable[Peer]) -> dict[str, str]:
    """The settings that send orders to these servers, in this order of preference."""
    peers = list(peers)
    addresses = {peer.name: peer.url for peer in peers}
    addresses |= {f"{peer.name}-keys": peer.key_set_url for peer in peers if peer.key_set_url}
    return {
        "BACKLOT_PROVIDERS_ENABLED": ",".join(peer.name for peer in peers),
        "BACKLOT_PROVIDERS_KEYS": ",".join(f"{peer.name}={key}" for peer in peers for key in peer.keys),
        "BACKLOT_PROVIDERS_URLS": ",".join(f"{name}={url}" for name, url in addresses.items()),
        "BACKLOT_EGRESS_ALLOW": f"{HOST}/32",
    }
