"""A webhook and its signature, for the tests of both clients."""

import base64
import hashlib
import hmac

SECRET = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
OTHER = "whsec_" + base64.b64encode(b"another secret, also thirty-two.").decode()
SENT_AT = 1795228200
BODY = b'{"type":"post.published","timestamp":"2026-11-21T02:30:00Z","data":{"id":"pst_1"}}'
HEADERS = {
    "webhook-id": "msg_sample_01",
    "webhook-timestamp": str(SENT_AT),
    "webhook-signature": "v1,U7kRqWMjNg9OgKOTE94r5upleQK4QnC7OUWb2lVSiGg=",
}


def signature(secret: str, *, body: bytes = BODY) -> str:
    key = base64.b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"msg_sample_01.{SENT_AT}.".encode() + body, hashlib.sha256).digest()
    return "v1," + base64.b64encode(mac).decode()
