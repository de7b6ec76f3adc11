"""A job the sandbox accepted. Its reference says all there is to know about it, so that nothing is kept anywhere."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any, Self

from app.providers.adapters.sandbox import pictures
from app.providers.adapters.sandbox.pictures import Kind
from app.providers.adapters.sandbox.scenarios import Scenario, of_model
from app.providers.base import Call, Done, ErrorCode, Output, Rejected

_SEEDED = frozenset({"background", "text_to_image", "image_to_image", "inpaint", "outpaint", "edit_image"})
_SAMPLE = 2048
# TEST-NET-1 (RFC 5737) is nobody's: the guarded client refuses it without a packet, as it would a dead link.
_EXPIRED = "https://192.0.2.1/expired.png"
_WEB_PAGE = b"<!doctype html><title>502 Bad Gateway</title><p>This is no picture."


@dataclass(frozen=True, slots=True)
class Job:
    """What is to be answered."""

    scenario: Scenario
    kind: Kind
    width: int
    height: int
    count: int
    first_seed: int | None
    digest: bytes
    accepted_at: float = 0.0
    """Seconds since the epoch."""
    seconds: float = 0.0

    @classmethod
    def of_call(cls, call: Call, scenario: Scenario) -> Self:
        width, height = pictures.size(int(call.params.get("width") or 0), int(call.params.get("height") or 0))
        is_seeded = call.operation in _SEEDED
        seed = call.params.get("seed")
        return cls(
            scenario,
            _kind(call),
            width,
            height,
            int(call.params.get("num_images") or 1) if is_seeded else 1,
            int(seed or 0) if is_seeded or seed is not None else None,
            _digest(call),
        )

    @classmethod
    def found(cls, scenario: Scenario, reference: str, accepted_at: float, seconds: float) -> Self:
        """Of a call of which only our reference is known: one picture of the usual size."""
        width, height = pictures.size(0, 0)
        digest = blake2b(reference.encode(), digest_size=12).digest()
        return cls(scenario, Kind.GRADIENT, width, height, 1, None, digest, accepted_at, seconds)

    @classmethod
    def parse(cls, reference: str) -> Self:
        """Raises Rejected when it is none of ours."""
        try:
            word, at, seconds, kind, width, height, count, seed, digest = reference.split("/")
            return cls(
                of_model(word),
                Kind(kind),
                *pictures.size(int(width), int(height)),
                int(count),
                int(seed) if seed else None,
                bytes.fromhex(digest),
                int(at) / 1000,
                int(seconds) / 1000,
            )
        except ValueError as fault:
            raise Rejected(ErrorCode.PROVIDER_REJECTED, "The sandbox knows no such job.") from fault

    @property
    def reference(self) -> str:
        seed = "" if self.first_seed is None else str(self.first_seed)
        at, seconds = int(self.accepted_at * 1000), int(self.seconds * 1000)
        parts = (self.scenario.model, at, seconds, self.kind, self.width, self.height, self.count, seed)
        return "/".join([*map(str, parts), self.digest.hex()])

    def result(self) -> Done:
        """The outputs as the scenario wants them. The same job gives the same bytes."""
        count = max(self.count - 1, 1) if self.scenario.spoils == "fewer" else self.count
        if self.scenario.spoils == "empty":
            count = 0
        return Done([self._output(number) for number in range(count)], cost_microusd=0)

    def _output(self, number: int) -> Output:
        seed = None if self.first_seed is None else self.first_seed + number
        if self.scenario.spoils == "expired-link":
            return Output(url=_EXPIRED, content_type="image/png", seed=seed)
        content = _WEB_PAGE
        if self.scenario.spoils != "wrong-type":
            content = pictures.make(self.kind, self.width, self.height, self.digest, number)
        if self.scenario.spoils == "truncated":
            content = pictures.truncated(content)
        return Output(content, content_type="image/png", seed=seed)


def _kind(call: Call) -> Kind:
    if call.operation != "remove_background":
        return Kind.GRADIENT
    return Kind.MASK if call.params.get("only_mask") else Kind.CUT_OUT


def _digest(call: Call) -> bytes:
    """Of all that was ordered. Of a file three samples and the length do: it is compressed, so others differ there."""
    params: Mapping[str, Any] = call.params
    digest = blake2b(json.dumps([call.operation, dict(params)], sort_keys=True, default=str).encode(), digest_size=12)
    for role in sorted(call.files):
        content = call.files[role]
        middle = len(content) // 2
        digest.update(f"{role}{len(content)}".encode())
        for sample in (content[:_SAMPLE], content[middle : middle + _SAMPLE], content[-_SAMPLE:]):
            digest.update(sample)
    return digest.digest()
