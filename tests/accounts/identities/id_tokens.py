"""Tokens of the fake provider, as they should be or with a fault."""

import base64
import hmac
import json
import secrets
from typing import Any

from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jose import jwk, jwt


class SigningKey:
    def __init__(self) -> None:
        self.kid = secrets.token_hex(8)
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
        self.public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def published(self) -> dict[str, Any]:
        return {**jwk.construct(self.public, "RS256").to_dict(), "kid": self.kid, "use": "sig"}


def signed(claims: dict[str, Any], key: SigningKey, fault: str) -> str:
    match fault:
        case "hs256_with_public_key":  # algorithm confusion
            return _by_hand({"alg": "HS256", "kid": key.kid}, claims, key.public)
        case "none":
            return _by_hand({"alg": "none", "kid": key.kid}, claims, None)
        case "unknown_kid":
            return str(jwt.encode(claims, key.private, "RS256", {"kid": "nobody-knows"}))
        case "no_kid":
            return str(jwt.encode(claims, key.private, "RS256"))
        case "foreign_key":
            return str(jwt.encode(claims, SigningKey().private, "RS256", {"kid": key.kid}))
        case "key_in_header":
            foreign = SigningKey()
            header = {"kid": foreign.kid, "jwk": foreign.published()}
            return str(jwt.encode(claims, foreign.private, "RS256", header))
        case "not_a_token":
            return "e30.e30.deep" + "[" * 50
    return str(jwt.encode(claims, key.private, "RS256", {"kid": key.kid}))


def wrong_claims(fault: str, client_id: str, now: int) -> dict[str, Any]:
    wrong: dict[str, dict[str, Any]] = {
        "wrong_nonce": {"nonce": "of another sign-in"},
        "no_nonce": {"nonce": "left out"},
        "wrong_aud": {"aud": "another-client", "azp": "another-client"},
        "two_auds": {"aud": [client_id, "another-client"]},
        "no_aud": {"aud": "left out"},
        "wrong_azp": {"azp": "another-client"},
        "wrong_iss": {"iss": "https://attacker.example"},
        "no_iss": {"iss": "left out"},
        "expired": {"iat": now - 3700, "exp": now - 100},
        "no_exp": {"exp": "left out"},
        "strange_exp": {"exp": ["soon"]},
        "issued_before": {"iat": now - 600},
        "issued_in_future": {"iat": now + 600, "exp": now + 4200},
        "not_yet_valid": {"nbf": now + 600},
        "long_subject": {"sub": "1" * 256},
        "no_subject": {"sub": "left out"},
        "number_subject": {"sub": 7},
    }
    return wrong.get(fault, {})


def _by_hand(header: dict[str, str], claims: dict[str, Any], secret: str | None) -> str:
    """Tokens that the library would not make."""
    signed = f"{part(json.dumps(header).encode())}.{part(json.dumps(claims).encode())}"
    signature = hmac.digest(secret.encode(), signed.encode(), "sha256") if secret else b""
    return f"{signed}.{part(signature)}"


def part(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
