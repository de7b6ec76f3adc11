"""What every vendor that signs its callbacks has to stand, besides the rest of the kit.

The test module says how the vendor signs, now and after its keys were renewed:

    class TestAcme(SignedCallbacks, VendorConformance):
        signer = Signer(Answer(json={"key": "…"}), sign)
        successor = Signer(Answer(json={"key": "…"}), sign_anew)
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from time import monotonic
from typing import ClassVar

import pytest

from app.core import clock
from app.providers import signatures
from app.providers.base import Callback, Forged, Transient
from app.providers.testing import CUT_OFF, DOWN, NOT_THERE, SECRET, STRANGE, TOO_OFTEN, Answer, Stage

BODY = b'{"status": "succeeded"}'


@dataclass(frozen=True)
class Signer:
    """How a vendor signs: the headers of one delivery with this body at this time, always under the same id.

    `told` is what it answers when it is asked what that can be checked with.
    """

    told: Answer
    sign: Callable[[bytes, datetime], dict[str, str]]

    def callback(self, *, seconds: float = 0) -> Callback:
        """Received now, and signed so many seconds later by the vendor's clock."""
        now = clock.now()
        return Callback(self.sign(BODY, now + timedelta(seconds=seconds)), BODY, now)


class SignedCallbacks:
    """Inherit before VendorConformance."""

    signer: ClassVar[Signer]
    successor: ClassVar[Signer]

    async def test_what_it_signed_is_believed_and_so_is_the_duplicate(self, stage: Stage) -> None:
        delivery = await stage.verify(self.signer.callback(), self.signer.told)
        assert delivery
        assert await stage.verify(self.signer.callback()) == delivery
        assert len(stage.requests) == 1, "asked for what it knows"

    async def test_nothing_of_it_can_be_forged(self, stage: Stage) -> None:
        good = self.signer.callback()
        await stage.verify(good, self.signer.told)
        forged = [Callback(good.headers, body, good.received_at) for body in (BODY + b" ", b"", BODY.upper())]
        for name, value in good.headers.items():
            for bent in ("", " ", "x", "é", value + "0", value + "00", value[:-1]):
                forged.append(Callback({**good.headers, name: bent}, BODY, good.received_at))
            rest = {other: good.headers[other] for other in good.headers if other != name}
            forged.append(Callback(rest, BODY, good.received_at))
        for callback in (*forged, Callback({}, BODY)):
            with pytest.raises(Forged) as caught:
                await stage.verify(callback)
            assert SECRET not in str(caught.value)

    @pytest.mark.parametrize("seconds", [-301, 301, -86_400, 10**9])
    async def test_what_was_signed_at_another_time_is_not_believed(self, stage: Stage, seconds: int) -> None:
        with pytest.raises(Forged):
            await stage.verify(self.signer.callback(seconds=seconds), self.signer.told)

    @pytest.mark.parametrize("seconds", [-298, 298])
    async def test_clocks_may_differ_a_little(self, stage: Stage, seconds: int) -> None:
        assert await stage.verify(self.signer.callback(seconds=seconds), self.signer.told)

    async def test_what_others_signed_is_not_believed_however_often(self, stage: Stage) -> None:
        await stage.verify(self.signer.callback(), self.signer.told)
        for _ in range(5):
            with pytest.raises(Forged):
                await stage.verify(self.successor.callback())
        assert len(stage.requests) == 1, "strangers make us ask the vendor"

    async def test_renewed_keys_are_learnt_within_a_minute(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        await stage.verify(self.signer.callback(), self.signer.told)
        _pass_time(monkeypatch, signatures.ASK_AGAIN_SECONDS + 1)
        assert await stage.verify(self.successor.callback(), self.successor.told)
        with pytest.raises(Forged):
            await stage.verify(self.signer.callback())

    async def test_keys_are_learnt_again_each_day(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        await stage.verify(self.signer.callback(), self.signer.told)
        _pass_time(monkeypatch, signatures.KEEP_SECONDS + 1)
        with pytest.raises(Forged):
            await stage.verify(self.signer.callback(), self.successor.told)

    async def test_while_the_keys_cannot_be_had_nothing_is_believed_and_nothing_called_forged(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for answer in (*NOT_THERE, *CUT_OFF, *STRANGE, *DOWN, TOO_OFTEN, Answer(401), Answer(404), Answer(301)):
            stage = Stage(self.vendor)  # type: ignore[attr-defined]
            for answers in ((answer,), ()):  # it is not asked again at once
                assert type(await stage.fault(stage.verify(self.signer.callback(), *answers))) is Transient
            with monkeypatch.context() as later:
                _pass_time(later, signatures.PAUSE_SECONDS + 1)
                assert await stage.verify(self.signer.callback(), self.signer.told)

    async def test_what_is_known_is_enough_while_the_vendor_is_down(
        self, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        await stage.verify(self.signer.callback(), self.signer.told)
        _pass_time(monkeypatch, signatures.ASK_AGAIN_SECONDS + 1)
        assert type(await stage.fault(stage.verify(self.successor.callback(), NOT_THERE[0]))) is Transient
        assert await stage.verify(self.signer.callback())


def _pass_time(patch: pytest.MonkeyPatch, seconds: float) -> None:
    patch.setattr(signatures, "monotonic", lambda: monotonic() + seconds)
