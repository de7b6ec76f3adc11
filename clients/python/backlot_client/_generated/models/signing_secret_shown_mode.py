from typing import Literal, cast

SigningSecretShownMode = Literal["live", "test"]


def check_signing_secret_shown_mode(value: str) -> SigningSecretShownMode:
    return cast(SigningSecretShownMode, value)
