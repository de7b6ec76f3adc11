"""How settings are written in the environment: lists, networks, pairs; and what all groups of them have in common."""

from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, SecretStr
from pydantic_settings import NoDecode


def _split(value: Any) -> Any:
    """Lists may be written `a,b` or as JSON."""
    if isinstance(value, str):
        return [part for part in (raw.strip(' "') for raw in value.strip("[] ").split(",")) if part]
    return value


def _networks(value: Any) -> Any:
    return [ip_network(part, strict=False) if isinstance(part, str) else part for part in _split(value)]


def _pairs(value: Any) -> Any:
    """`name=value, name=value` as a map; of several values of one name all are kept."""
    if not isinstance(value, str):
        return value
    found: dict[str, list[str]] = {}
    for part in _split(value):
        name, is_pair, rest = part.partition("=")
        if not is_pair or not name.strip() or not rest.strip():
            raise ValueError("write name=value, several separated by commas")
        found.setdefault(name.strip(), []).append(rest.strip())
    return found


def _single(value: Any) -> Any:
    """The same with one value for each name: the last."""
    pairs = _pairs(value)
    return {name: rest[-1] for name, rest in pairs.items()} if isinstance(value, str) else pairs


CommaList = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]


Keys = Annotated[dict[str, tuple[SecretStr, ...]], NoDecode, BeforeValidator(_pairs)]
Urls = Annotated[dict[str, str], NoDecode, BeforeValidator(_single)]


EMPTY_IS_NONE = BeforeValidator(lambda value: None if value == "" else value)


class Group(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
