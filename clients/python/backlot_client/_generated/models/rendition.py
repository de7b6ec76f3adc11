from typing import Literal, cast

Rendition = Literal["full", "medium", "thumbnail"]


def check_rendition(value: str) -> Rendition:
    return cast(Rendition, value)
