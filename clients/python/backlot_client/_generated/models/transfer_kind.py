from typing import Literal, cast

TransferKind = Literal["adjustment", "capture", "expiry", "grant", "purchase", "refund"]


def check_transfer_kind(value: str) -> TransferKind:
    return cast(TransferKind, value)
