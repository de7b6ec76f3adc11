"""What every provider that is asked over HTTP has to stand: a kit for adapters, ours and others'.

A test module says what its vendor answers and inherits the rest:

    class TestAcme(VendorConformance):
        vendor = Acme
        calls = (call("text_to_image", "acme-1", prompt="a cat", width=1024, height=1024),)
        accepted = Answer(json={"id": "job-1"})
        ...

Each test is run for each call. Nothing goes over the network: answers are given by an `httpx.MockTransport`, and each
request is kept, for the module's own tests of its shape. Needs `backlot[testing]`, and `asyncio_mode = "auto"`.
"""

from collections.abc import Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeVar

import httpx
import orjson
import pytest
from pydantic import SecretStr

from app.core.ids import encode, new_id
from app.core.settings import Providers, Settings
from app.providers import vendor as vendors
from app.providers.base import (
    Accepted,
    Busy,
    Call,
    Callback,
    Done,
    ErrorCode,
    Health,
    JobFailed,
    KeyRefused,
    NotSent,
    Provider,
    ProviderError,
    Rejected,
    Running,
    Transient,
    Unknown,
)
from app.providers.vendor import Vendor

SECRET = "key-that-nobody-may-see"  # noqa: S105
PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000b49444154789c63f80f040009fb03fdfb5e6b2b00"
    "00000049454e44ae426082"
)
"""A PNG of one pixel."""
Fault = TypeVar("Fault", bound=ProviderError)


@dataclass(frozen=True)
class Answer:
    """One answer of a vendor, or how there is none."""

    status: int = 200
    json: Any = None
    content: bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)
    fails: Exception | None = None

    def give(self, request: httpx.Request) -> httpx.Response:
        if self.fails is not None:
            raise self.fails
        if self.content is not None:
            return httpx.Response(self.status, content=self.content, headers=self.headers)
        headers = {"content-type": "application/json"} | self.headers
        return httpx.Response(self.status, content=orjson.dumps(self.json), headers=headers)


def call(operation: str, model: str, *, files: Sequence[str] = (), **params: Any) -> Call:
    """A call with a reference of its own; `files` are roles, each filled with PIXEL."""
    reference = encode("att", new_id())
    return Call(operation, model, params, dict.fromkeys(files, PIXEL), reference, timeout_seconds=5)


NOT_THERE = (
    Answer(fails=httpx.ConnectError("refused")),
    Answer(fails=httpx.ConnectTimeout("slow")),
)
CUT_OFF = (
    Answer(fails=httpx.ReadTimeout("silent")),
    Answer(fails=httpx.ReadError("reset")),
    Answer(fails=httpx.RemoteProtocolError("cut off")),
    Answer(504, content=b"<html>Gateway Time-out</html>", headers={"content-type": "text/html"}),
    Answer(502, content=b"", headers={"content-type": "text/html"}),
)
STRANGE = (
    Answer(content=b"<html>Welcome</html>", headers={"content-type": "text/html"}),
    Answer(content=b'{"data": [{"id": "jo', headers={"content-type": "application/json"}),
    Answer(json=[]),
    Answer(json={}),
    Answer(json="accepted"),
    Answer(json=None),
    Answer(content=b""),
)
DOWN = (
    Answer(500, json={"message": "oops"}),
    Answer(503, content=b"<html>Unavailable</html>", headers={"content-type": "text/html"}),
)
TOO_OFTEN = Answer(429, json={"message": "slow down"}, headers={"retry-after": "7"})


class VendorConformance:
    """Inherit, and say what the vendor answers."""

    vendor: ClassVar[type[Vendor]]
    calls: ClassVar[Sequence[Call]]
    """One of each operation at the least."""
    others: ClassVar[Sequence[Call]] = ()
    """Those answered in another way than the rest: the module's own tests are for them."""
    answers: ClassVar[Sequence[Answer]] = ()
    """To a call of a vendor that answers at once: done."""
    accepted: ClassVar[Answer | None] = None
    """To a call of a vendor that takes jobs; then also `running` and `done`, the answers to one poll each."""
    running: ClassVar[Sequence[Answer]] = ()
    done: ClassVar[Sequence[Answer]] = ()
    failed: ClassVar[Sequence[tuple[Answer, ErrorCode]]] = ()
    """Answers to a poll that tell of a failure, and which."""
    refused: ClassVar[Sequence[tuple[Answer, ErrorCode]]] = ()
    """Answers to a call that refuse it for good: content, and what is not valid; some come with status 200."""
    bad_key: ClassVar[Answer] = Answer(401, json={"message": "Unauthorized"})
    broke: ClassVar[Answer] = Answer(402, json={"message": "Payment Required"})

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        cls = metafunc.cls
        if unsaid := cls.unsaid():
            raise pytest.Collector.CollectError(f"{cls.__name__} says no {unsaid}")
        if "order" in metafunc.fixturenames:
            metafunc.parametrize("order", cls.calls, ids=lambda order: f"{order.operation}-{order.model}")
        for name, rows in {
            "refused_answer": cls.refused,
            "not_there": NOT_THERE,
            "cut_off": CUT_OFF,
            "strange": STRANGE,
            "down": DOWN,
        }.items():
            if name in metafunc.fixturenames:
                metafunc.parametrize(name, rows, ids=str)

    @classmethod
    def unsaid(cls) -> str | None:
        """What the class has to say and does not."""
        if missing := [name for name in ("vendor", "calls") if not getattr(cls, name, None)]:
            return f"`{missing[0]}`"
        if cls.accepted is None and not cls.answers:
            return "`answers`, nor `accepted`: what does the vendor say to a call?"
        if cls.accepted is not None and not cls.done:
            return "`done`: what is said to the poll of a finished job?"
        return None

    @pytest.fixture
    def stage(self) -> "Stage":
        return Stage(self.vendor)

    def test_it_is_a_provider_with_rows_in_the_catalogue(self, stage: "Stage") -> None:
        provider = stage.provider
        assert isinstance(provider, Provider)
        assert provider.offers, f"it has no rows: they belong into {provider.name}.toml beside the adapter"
        sold = {(offer.operation, offer.model) for offer in provider.offers}
        called = {(order.operation, order.model) for order in (*self.calls, *self.others)}
        assert called <= sold, f"no row sells {called - sold}"
        unseen = {operation for operation, _ in sold} - {operation for operation, _ in called}
        assert not unseen, f"`calls` has none of {unseen}, which a row sells"

    async def test_a_call_is_answered_or_accepted(self, stage: "Stage", order: Call) -> None:
        outcome = await stage.submit(order, *self._good())
        expected = Done if self.accepted is None else Accepted
        assert isinstance(outcome, expected), f"`start` gave {outcome}, which is not {expected.__name__}"
        for request in stage.requests:
            signed = any(SECRET in text for text in request.headers.values())
            assert signed, f"{request.method} {request.url} does not carry the key in a header: see `sign_in`"

    async def test_the_same_call_is_written_the_same_again(self, stage: "Stage", order: Call) -> None:
        """What a repeated call says is that of the first, so that a vendor that knows our reference can tell."""
        await stage.submit(order, *self._good())
        await stage.submit(order, *self._good())
        first, second = stage.requests
        assert (first.url, first.method) == (second.url, second.method)
        assert _body(first) == _body(second), "what is random or from a clock is in the request: use `call.reference`"

    async def test_a_job_is_followed_to_its_end(self, stage: "Stage", order: Call) -> None:
        if self.accepted is None:
            return
        reference = await stage.accepted(order, self.accepted)
        for answer in self.running:
            outcome = await stage.poll(reference, answer)
            assert isinstance(outcome, Running), f"`check` read {answer} as {outcome}, not as Running"
        done = await stage.poll(reference, *self.done)
        assert isinstance(done, Done), f"`check` read `done` as {done}"
        assert done.outputs, "Done without outputs: raise reply.unreadable() instead"
        assert SECRET not in reference, "references are stored: no key may be in them"

    async def test_a_job_that_fails_says_why(self, stage: "Stage", order: Call) -> None:
        if self.accepted is None:
            return
        for answer, code in self.failed:
            reference = await stage.accepted(order, self.accepted)
            fault = await stage.fault(stage.poll(reference, answer))
            assert fault.code == code, f"`check` read {answer} as {_told(fault)}"
            assert isinstance(fault, Rejected | Transient | JobFailed), f"{_told(fault)}: of a job one knows"

    async def test_what_is_refused_is_refused_for_good(
        self, stage: "Stage", order: Call, refused_answer: tuple[Answer, ErrorCode]
    ) -> None:
        answer, code = refused_answer
        fault = await stage.fault(stage.submit(order, answer))
        expect(fault, Rejected, code)

    async def test_what_never_left_may_be_sent_again(self, stage: "Stage", order: Call, not_there: Answer) -> None:
        fault = await stage.fault(stage.submit(order, not_there))
        expect(fault, Transient, ErrorCode.PROVIDER_UNAVAILABLE)

    async def test_what_was_sent_and_not_answered_is_unknown(
        self, stage: "Stage", order: Call, cut_off: Answer
    ) -> None:
        expect(await stage.fault(stage.submit(order, cut_off)), Unknown)
        assert len(stage.requests) == 1, f"sent {len(stage.requests)} times: it may be paid for that often"

    async def test_an_answer_that_makes_no_sense_is_no_refusal(
        self, stage: "Stage", order: Call, strange: Answer
    ) -> None:
        expect(await stage.fault(stage.submit(order, strange)), Unknown)

    async def test_a_vendor_that_is_down_is_asked_later(self, stage: "Stage", order: Call, down: Answer) -> None:
        expect(await stage.fault(stage.submit(order, down)), Transient, ErrorCode.PROVIDER_UNAVAILABLE)

    async def test_a_vendor_that_is_asked_too_often_says_when_to_come_back(self, stage: "Stage", order: Call) -> None:
        fault = expect(await stage.fault(stage.submit(order, TOO_OFTEN)), Busy)
        assert fault.retry_after == 7, f"retry_after is {fault.retry_after}, and the vendor said 7"

    async def test_polls_fail_and_the_job_does_not(self, stage: "Stage", order: Call) -> None:
        if self.accepted is None:
            return
        reference = await stage.accepted(order, self.accepted)
        for answer in (*NOT_THERE, *CUT_OFF, *STRANGE, *DOWN, TOO_OFTEN):
            fault = await stage.fault(stage.poll(reference, answer))
            is_of_the_poll = type(fault) in (Transient, Busy)
            assert is_of_the_poll, f"`check` read {answer} as {_told(fault)}, and the job may be well"

    async def test_a_key_that_is_refused_is_not_used_again(self, stage: "Stage", order: Call) -> None:
        for answer, is_broke in ((self.bad_key, False), (self.broke, True)):
            stage = Stage(self.vendor)
            fault = expect(await stage.fault(stage.submit(order, answer)), KeyRefused)
            assert fault.is_broke is is_broke, f"is_broke is {fault.is_broke} of {answer}"
            expect(await stage.fault(stage.submit(order)), KeyRefused)
            assert len(stage.requests) == 1, "the refused key was used again"

    async def test_nothing_is_sent_that_is_not_wanted_any_more(self, stage: "Stage", order: Call) -> None:
        def unwanted() -> None:
            raise NotSent

        with pytest.raises(NotSent):
            await stage.submit(replace(order, about_to_send=unwanted))
        assert stage.requests == [], "sent all the same: what may cost money goes out by `api.order`, all else after it"

    async def test_an_endless_answer_is_not_read_to_its_end(
        self, stage: "Stage", order: Call, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(vendors, "MOST_BYTES", 1000)
        expect(await stage.fault(stage.submit(order, Answer(content=b" " * 2000))), Unknown)

    async def test_answers_bent_out_of_shape_are_told_from_good_ones(self, stage: "Stage", order: Call) -> None:
        """Any value may be missing, or of another kind: nothing but outcomes and provider errors comes of it."""
        for good in self._good():
            for bent in _bent(good):
                with _nothing_but_outcomes(bent):
                    await stage.submit(order, bent, *self._good())
        if self.accepted is None:
            return
        reference = await stage.accepted(order, self.accepted)
        for good in (*self.running, *self.done[:1], *(answer for answer, _ in self.failed)):
            for bent in _bent(good):
                with _nothing_but_outcomes(bent):
                    await stage.poll(reference, bent, *self.done)

    async def test_callbacks_are_as_good_as_their_url_unless_the_vendor_signs(self, stage: "Stage") -> None:
        if type(stage.provider).verify is not Vendor.verify:
            assert hasattr(self, "signer"), "it signs: inherit app.providers.testing_callbacks.SignedCallbacks too"
            return
        assert await stage.verify(Callback({}, b'{"status": "failed"}')) is None
        assert stage.requests == []

    async def test_the_probe_tells_whether_the_key_works(self, stage: "Stage") -> None:
        assert not (await stage.probe(self.bad_key)).is_healthy, "`greet` is content with a key that is refused"
        assert not (await stage.probe(NOT_THERE[0])).is_healthy, "`greet` is content with a vendor that is away"

    def _good(self) -> tuple[Answer, ...]:
        return tuple(self.answers) if self.accepted is None else (self.accepted,)


class Stage:
    """A vendor's adapter with one key, and what was asked of the vendor."""

    def __init__(self, vendor: type[Vendor], **settings: Any) -> None:
        self.requests: list[httpx.Request] = []
        self._answers: list[Answer] = []
        keys = {vendor.name: (SecretStr(SECRET),)}
        made = Settings(_env_file=None, providers=Providers(keys=keys), **settings)
        self.provider = vendor(made, client=httpx.AsyncClient(transport=httpx.MockTransport(self._give)))

    def _give(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        assert self._answers, f"{request.method} {request.url} is one request more than there are answers"
        return self._answers.pop(0).give(request)

    async def submit(self, order: Call, *answers: Answer) -> Done | Accepted:
        self._answers = list(answers)
        return await self.provider.submit(order)

    async def accepted(self, order: Call, answer: Answer) -> str:
        """The reference of the job."""
        outcome = await self.submit(order, answer)
        assert isinstance(outcome, Accepted), f"`start` gave {outcome}, which is not Accepted"
        return outcome.reference

    async def poll(self, reference: str, *answers: Answer) -> Done | Running:
        self._answers = list(answers)
        return await self.provider.poll(reference)

    async def find(self, reference: str, model: str, *answers: Answer) -> Done | Accepted | None:
        self._answers = list(answers)
        return await self.provider.find(reference, model)

    async def verify(self, callback: Callback, *answers: Answer) -> str | None:
        self._answers = list(answers)
        return await self.provider.verify(callback)

    async def cancel(self, reference: str, *answers: Answer) -> None:
        self._answers = list(answers)
        await self.provider.cancel(reference)

    async def probe(self, *answers: Answer) -> Health:
        self._answers = list(answers)
        return await self.provider.probe()

    async def fault(self, asking: Awaitable[object]) -> ProviderError:
        """What it raises; nothing else may be raised, and nothing of the key may be in it."""
        outcome: object = None
        fault: ProviderError | None = None
        try:
            outcome = await asking
        except ProviderError as caught:
            fault = caught
        assert fault is not None, f"no fault was raised: it gave {outcome}"
        assert SECRET not in fault.message, "the key is in a customer's message"
        assert "http" not in fault.message.lower(), f"an address is in a customer's message: {fault.message}"
        return fault


def expect(fault: ProviderError, kind: type[Fault], code: ErrorCode | None = None) -> Fault:
    """Just this fault: what the caller does with it depends on its class."""
    if type(fault) is kind and code in (None, fault.code):
        return fault
    raise AssertionError(f"it was told as {_told(fault)}, not as {kind.__name__}{f' ({code})' if code else ''}")


def _told(fault: ProviderError) -> str:
    return f"{type(fault).__name__} ({fault.code}: {fault.message})"


@contextmanager
def _nothing_but_outcomes(bent: Answer) -> Iterator[None]:
    try:
        yield
    except ProviderError:
        pass
    except Exception as crash:
        hint = "match its shape, and raise reply.unreadable() for any other"
        raise AssertionError(f"{type(crash).__name__} ({crash}) came of the answer {bent.json}: {hint}") from crash


def _bent(answer: Answer) -> Iterator[Answer]:
    """The answer with each value in it left out, or of another kind."""
    for bent in _variants(answer.json):
        yield replace(answer, json=bent)


def _variants(value: Any) -> Iterator[Any]:
    yield from (None, True, -1.5, "x", [None], {})
    if isinstance(value, dict):
        for name, inner in value.items():
            yield {key: rest for key, rest in value.items() if key != name}
            yield from (value | {name: bent} for bent in _variants(inner))
    if isinstance(value, list):
        for place, inner in enumerate(value):
            yield from ([*value[:place], bent, *value[place + 1 :]] for bent in _variants(inner))


def _body(request: httpx.Request) -> bytes:
    """Without the random boundary of a multipart body."""
    boundary = request.headers.get("content-type", "").partition("boundary=")[2].encode()
    return request.content.replace(boundary, b"") if boundary else request.content
