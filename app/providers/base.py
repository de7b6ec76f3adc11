"""What a provider promises, and what its caller may rely on.

An adapter holds no policy: retries, failover, limits and money belong to `app.generation`. It turns one neutral
`Call` into one request of its vendor and the answer into an outcome; failures are `Transient`, `JobFailed`,
`Rejected` or `Unknown`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from app.core import clock
from app.providers.limits import Limits
from app.providers.values import Values

REMOTE = "remote"


class ErrorCode(StrEnum):
    """Why a call failed: the `error.code` of a task."""

    INVALID_IMAGE = "invalid_image"
    URL_NOT_ALLOWED = "url_not_allowed"
    URL_UNREACHABLE = "url_unreachable"
    CONTENT_REJECTED = "content_rejected"
    PROVIDER_UNAVAILABLE = "provider_unavailable"
    PROVIDER_TIMEOUT = "provider_timeout"
    PROVIDER_QUOTA = "provider_quota"
    PROVIDER_BUSY = "provider_busy"
    PROVIDER_REJECTED = "provider_rejected"
    NO_ROUTE = "no_route"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    INTERNAL = "internal"


class ProviderError(Exception):
    """A provider could not do what it was asked.

    `message` is shown to the customer: no vendor text with secrets or URLs in it.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class Transient(ProviderError):
    """Not now: another try, or another provider, may succeed. Nothing was accepted or billed."""

    def __init__(self, code: ErrorCode, message: str, *, retry_after: float | None = None) -> None:
        super().__init__(code, message)
        self.retry_after = retry_after


class Busy(Transient):
    """We ask more often than the vendor wants, or have too much under way there: the call has to wait for its turn."""

    def __init__(self, message: str = "The provider is asked too often.", *, retry_after: float | None = None) -> None:
        super().__init__(ErrorCode.PROVIDER_BUSY, message, retry_after=retry_after)


class KeyRefused(Transient):
    """Our key is wrong, was withdrawn, or has nothing left to spend: another key, or another provider, may succeed.

    `is_broke` when it is the money.
    """

    def __init__(self, message: str, *, is_broke: bool = False) -> None:
        super().__init__(ErrorCode.PROVIDER_QUOTA, message)
        self.is_broke = is_broke


class JobFailed(ProviderError):
    """The vendor took the job, and it failed there: nothing more comes of it, and it may have been billed."""


class Rejected(ProviderError):
    """It never will: the same call fails everywhere or always."""


class Unknown(ProviderError):
    """The request was sent and no answer came: the provider may have accepted and billed it."""


class UnknownScenario(Rejected):
    """`field` of the order (`model`, or an input's name) names a scenario nobody plays; the message tells which are."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(ErrorCode.PROVIDER_REJECTED, message)
        self.field = field


class Forged(Exception):
    """Raised by `verify`: the callback is not, or not provably, the vendor's. The message is for the log."""


class NotSent(Exception):
    """Raised by `Call.about_to_send`: whether the call is wanted is not known any more. Adapters let it pass."""


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing a provider sells: data, not code.

    `steps` are the calls that make it, each an operation of the same provider; most are one call.
    `seconds` is a first estimate of one output of one megapixel, used until there is history.

    `path` is the vendor's own name for the model. `parameters` are those it honours: the vendor's name by ours, None:
    all of them; `values` are those one of our parameters may have, where not all it may have by its operation;
    `scales` say what 0 and 1 of a parameter are to the vendor; `words` are what the prompt (`{prompt}`) becomes with a
    value of a parameter that the vendor has none for; `constants` are sent with each call. `quality` is 1 to 5.
    `cost_microusd` is what one output costs us, where the vendor does not tell. `microcredits` is its first price.
    `aliases` are other names orders may use for it.
    """

    operation: str
    model: str
    title: str
    steps: tuple[str, ...] = ()
    seconds: float = 5.0
    max_outputs: int = 4
    path: str = ""
    parameters: Mapping[str, str] | None = field(default=None, hash=False)
    values: Mapping[str, Values] = field(default_factory=dict, hash=False)
    scales: Mapping[str, tuple[float, float]] = field(default_factory=dict, hash=False)
    words: Mapping[str, Mapping[str, str]] = field(default_factory=dict, hash=False)
    constants: Mapping[str, Any] = field(default_factory=dict, hash=False)
    limits: Limits = field(default_factory=Limits, hash=False)
    quality: int = 3
    cost_microusd: int | None = None
    microcredits: int | None = None
    aliases: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.steps:
            object.__setattr__(self, "steps", (self.operation,))

    def body(self, params: Mapping[str, Any]) -> dict[str, Any]:
        """The parameters that were given and are honoured, by the vendor's names, and the constants."""
        names = (self.parameters or {}).items()
        given = {theirs: self._scaled(ours, params[ours]) for ours, theirs in names if params.get(ours) is not None}
        return {**self.constants, **given}

    def told(self, params: Mapping[str, Any]) -> Mapping[str, Any]:
        """The parameters, with what is told in words in the prompt."""
        prompt = params.get("prompt") or ""
        for parameter, words in self.words.items():
            prompt = words.get(str(params.get(parameter)), "{prompt}").replace("{prompt}", prompt)
        return {**params, "prompt": prompt} if self.words else params

    def _scaled(self, parameter: str, value: Any) -> Any:
        if parameter not in self.scales:
            return value
        zero, one = self.scales[parameter]
        return round(zero + (one - zero) * value, 4)

    def honours(self, parameter: str) -> bool:
        return self.parameters is None or parameter in self.parameters or parameter in self.words

    def takes(self, parameter: str, value: Any) -> bool:
        """Whether the parameter may have this value; None, which leaves it to the model, it always may."""
        return value is None or parameter not in self.values or self.values[parameter].take(value)

    def is_called(self, name: str) -> bool:
        return name == self.model or name in self.aliases

    def cost(self, done: "Done") -> int | None:
        """Millionths of a US dollar: what the vendor says it charged us, else what it is known to charge."""
        if done.cost_microusd is not None or self.cost_microusd is None:
            return done.cost_microusd
        return self.cost_microusd * len(done.outputs)


def _no_doubt() -> None:
    """Nobody else may make the call."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request to a provider: a step of a task.

    `files` are decoded, oriented and metadata-free images as PNG, JPEG or WebP bytes by role (`image`, `mask`,
    `background`); the mask of an inpaint is a PNG of one grey band of 8 bits, white where it is to be painted anew.
    `params` have passed the operation's schema. `reference` is ours and unique to this attempt: send it as the vendor's
    idempotency or correlation key where there is one. `attempt` counts the tries of this call, from 1.
    `callback_url`, where there is one, is for the vendor to call (POST) when the job has ended: it carries its own
    proof, and its body is not believed.

    `about_to_send` is for adapters that first have to connect, or to wait for their turn: called as late as can be,
    before the request is complete, it raises NotSent where the process was stopped for so long meanwhile that another
    may have been told that there was no such call, and has made it.
    """

    operation: str
    model: str
    params: Mapping[str, Any]
    files: Mapping[str, bytes] = field(default_factory=dict)
    reference: str = ""
    attempt: int = 1
    timeout_seconds: float = 60.0
    callback_url: str | None = None
    about_to_send: Callable[[], None] = _no_doubt
    offer: Offer | None = None
    """The model's row in the catalogue as it is now; None: the provider's own."""


@dataclass(frozen=True, slots=True)
class Output:
    """One produced file: its bytes, or a URL of the vendor's that is downloaded at once and never shown."""

    content: bytes | None = None
    url: str | None = None
    content_type: str | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class Done:
    """Finished. `outputs` may be fewer than asked for. `cost_microusd` is what the vendor charged us, if told."""

    outputs: Sequence[Output]
    cost_microusd: int | None = None


@dataclass(frozen=True, slots=True)
class Accepted:
    """The vendor works on it under this id. Ask again after `poll_after` seconds."""

    reference: str
    poll_after: float = 2.0


@dataclass(frozen=True, slots=True)
class Running:
    """Not finished. `progress` is 0..1 where the vendor tells."""

    progress: float | None = None
    poll_after: float | None = None


@dataclass(frozen=True, slots=True)
class Callback:
    """What came to a `callback_url`: header names in lower case, and the body as it was sent."""

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    received_at: datetime = field(default_factory=clock.now)


@dataclass(frozen=True, slots=True)
class Health:
    is_healthy: bool
    detail: str = ""


@runtime_checkable
class Provider(Protocol):
    """One vendor. All methods raise `Transient`, `JobFailed`, `Rejected` or `Unknown` and nothing else.

    It may have besides: `needs: str | None`, what the operator has to set before it can be used; `traffic: Traffic`,
    how much it may be asked for; and `keeps_form: bool`, True when its results are stored as they come, not in the
    format and size that were ordered.
    """

    name: str
    offers: Sequence[Offer]
    is_repeatable: bool
    """True when a repeated `submit` costs and changes nothing (in-house work, real idempotency keys).

    Else a call whose answer was lost is asked for with `find`, and sent again only when that raises Transient.
    """
    lane: str
    """Whose capacity a call takes: `REMOTE`, or the provider's own name where the work is done by our processes."""

    async def submit(self, call: Call) -> Done | Accepted: ...

    async def poll(self, reference: str) -> Done | Running: ...

    async def find(self, reference: str, model: str) -> Done | Accepted | None:
        """What became of the call with this reference of ours, whose answer was lost; None where nobody can tell.

        Raises Transient with nothing accepted when the vendor is sure that it never took the call.
        """

    async def cancel(self, reference: str) -> None: ...

    async def probe(self) -> Health: ...

    async def close(self) -> None: ...


@runtime_checkable
class Rehearses(Protocol):
    """What the provider of test-mode keys does besides: it plays scenarios that orders name."""

    def rehearse(self, offer: Offer, model: str, params: Mapping[str, Any]) -> Offer | None:
        """The offer with the named scenario as its model; None where neither model nor prompt names one.

        Raises UnknownScenario.
        """


@runtime_checkable
class Verifies(Protocol):
    """What a provider does besides that can tell its callbacks from forged ones by more than the URL they come to."""

    async def verify(self, callback: Callback) -> str | None:
        """What the vendor calls this delivery, the same when it is sent again; None where it signs nothing.

        Raises Forged; Transient where what it takes to tell cannot be had now.
        """
