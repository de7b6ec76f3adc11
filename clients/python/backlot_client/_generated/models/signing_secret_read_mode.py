from typing import Literal, cast

SigningSecretReadMode = Literal["live", "test"]


def check_signing_secret_read_mode(value: str) -> SigningSecretReadMode:
    return cast(SigningSecretReadMode, value)
