"""Work in other processes: what it may do, what it may not, and how it ends."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import psutil
import pytest

from app.core.process_child import pack, unpack
from app.core.processes import ProcessDied, ProcessFailed, ProcessPool, ProcessTimedOut, WorkRefused
from tests.core import process_work as work

MEBIBYTE = 1024 * 1024


@pytest.fixture
async def pool() -> AsyncIterator[ProcessPool]:
    pool = ProcessPool(size=1, memory_bytes=300 * MEBIBYTE, idle_seconds=30)
    yield pool
    await pool.close()


async def until(is_true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not is_true():
            await asyncio.sleep(0.01)


def is_gone(pid: int) -> bool:
    """Neither running nor a zombie of ours."""
    return not psutil.pid_exists(pid)


async def test_values_cross_unchanged(pool: ProcessPool) -> None:
    value = {
        "text": "đá",
        "bytes": [b"\x00\xff", b""],
        "none": None,
        "numbers": [1, -2.5],
        "flag": True,
        "d": {"x": b"y"},
    }

    assert await pool.run(work.echo, value, timeout=10) == value


async def test_large_values_cross(pool: ProcessPool) -> None:
    value = os.urandom(20 * MEBIBYTE)

    assert await pool.run(work.echo, value, timeout=20) == value


async def test_a_child_is_used_again(pool: ProcessPool) -> None:
    assert await pool.run(work.own_pid, timeout=10) == await pool.run(work.own_pid, timeout=10)


async def test_printing_does_not_break_the_protocol(pool: ProcessPool) -> None:
    assert await pool.run(work.print_and_return, "noise", timeout=10) == "noise"
    assert await pool.run(work.echo, 1, timeout=10) == 1


async def test_a_refusal_arrives_as_itself(pool: ProcessPool) -> None:
    with pytest.raises(WorkRefused) as refusal:
        await pool.run(work.refuse, timeout=10)

    assert (refusal.value.code, refusal.value.detail) == ("too_large", "the picture is too large")


async def test_any_other_exception_is_a_failure(pool: ProcessPool) -> None:
    with pytest.raises(ProcessFailed, match="KeyError") as failure:
        await pool.run(work.fail, timeout=10)

    assert failure.value.code == "error"


async def test_running_out_of_memory_can_be_told(pool: ProcessPool) -> None:
    assert await pool.run(work.allocate, 100 * MEBIBYTE, timeout=10) == 100 * MEBIBYTE
    with pytest.raises(ProcessFailed) as failure:
        await pool.run(work.allocate, 400 * MEBIBYTE, timeout=10)

    assert failure.value.code == "memory"


async def test_a_result_that_cannot_be_sent_is_a_failure(pool: ProcessPool) -> None:
    with pytest.raises(ProcessFailed, match="unsendable"):
        await pool.run(work.unsendable, timeout=10)
    assert await pool.run(work.echo, 1, timeout=10) == 1


@pytest.mark.parametrize("death", [work.kill_self, work.crash])
async def test_the_next_call_survives_a_death(pool: ProcessPool, death: Callable[[], None]) -> None:
    with pytest.raises(ProcessDied):
        await pool.run(death, timeout=10)

    assert await pool.run(work.echo, 1, timeout=10) == 1


async def test_a_forged_answer_is_a_death(pool: ProcessPool) -> None:
    with pytest.raises(ProcessDied):
        await pool.run(work.forge_reply, timeout=10)

    assert await pool.run(work.echo, 1, timeout=10) == 1


async def test_a_death_while_idle_is_noticed(pool: ProcessPool) -> None:
    pid = await pool.run(work.own_pid, timeout=10)
    os.kill(pid, signal.SIGKILL)
    await until(lambda: is_gone(pid))
    await asyncio.sleep(0.05)

    assert await pool.run(work.own_pid, timeout=10) != pid


async def test_a_late_call_is_killed(pool: ProcessPool, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    with pytest.raises(ProcessTimedOut):
        await pool.run(work.note_and_sleep, str(note), 60, timeout=1.5)

    await until(lambda: is_gone(int(note.read_text())))
    assert await pool.run(work.echo, 1, timeout=10) == 1


async def test_a_cancelled_call_is_killed(pool: ProcessPool, tmp_path: Path) -> None:
    note = tmp_path / "pid"
    call = asyncio.create_task(pool.run(work.note_and_sleep, str(note), 60, timeout=60))
    await until(lambda: note.exists() and note.read_text() != "")
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call

    await until(lambda: is_gone(int(note.read_text())))
    assert await pool.run(work.echo, 1, timeout=10) == 1


async def test_cancelling_while_a_child_starts_leaves_none_behind() -> None:
    def image_processes() -> set[psutil.Process]:
        return {c for c in psutil.Process().children() if "app.core.process_child" in " ".join(c.cmdline())}

    before = image_processes()  # those of other tests' pools
    pool = ProcessPool(size=1, memory_bytes=300 * MEBIBYTE, idle_seconds=30)
    for pause in (0, 0.001, 0.003, 0.01):
        call = asyncio.create_task(pool.run(work.sleep, 60, timeout=60))
        await asyncio.sleep(pause)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
    await asyncio.sleep(0.1)
    await pool.close()

    assert image_processes() <= before


async def test_idle_children_end() -> None:
    pool = ProcessPool(size=1, memory_bytes=300 * MEBIBYTE, idle_seconds=0.1)
    pid = await pool.run(work.own_pid, timeout=10)

    await until(lambda: is_gone(pid))
    await pool.close()


async def test_calls_wait_their_turn_in_order(pool: ProcessPool, tmp_path: Path) -> None:
    log = tmp_path / "log"
    await asyncio.gather(*(pool.run(work.append, str(log), f"{n} ", timeout=10) for n in range(8)))

    assert log.read_text() == "0 1 2 3 4 5 6 7 "


async def test_calls_run_side_by_side_up_to_the_size() -> None:
    pool = ProcessPool(size=2, memory_bytes=300 * MEBIBYTE, idle_seconds=30)
    pids = await asyncio.gather(*(pool.run(work.sleep, 0.2, timeout=10) for _ in range(4)))
    await pool.close()

    assert len(set(pids)) == 2


async def test_the_child_gets_nothing_of_its_parent(pool: ProcessPool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BACKLOT_SECRET", "secret")
    leaked = os.open("/dev/null", os.O_RDONLY)
    os.set_inheritable(leaked, True)
    found = await pool.run(work.surroundings, timeout=10)
    os.close(leaked)

    assert not [name for name in found["environment"] if name.startswith("BACKLOT")]
    assert found["descriptors"] == 5  # the three standard ones and the two pipes
    assert found["core"] == 0
    assert found["nice"] == os.nice(0) + 5
    assert not {"asyncio", "pydantic", "numpy"} & set(found["modules"])


async def test_closing_ends_everything() -> None:
    pool = ProcessPool(size=2, memory_bytes=300 * MEBIBYTE, idle_seconds=30)
    idle = await pool.run(work.own_pid, timeout=10)
    busy = [asyncio.create_task(pool.run(work.sleep, 60, timeout=60)) for _ in range(3)]
    await asyncio.sleep(0.3)
    await pool.close()

    outcomes = await asyncio.gather(*busy, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [ProcessDied, ProcessDied, RuntimeError]
    assert is_gone(idle)


def test_a_killed_parent_takes_its_children_along() -> None:
    script = """
import asyncio
from app.core.processes import ProcessPool
from tests.core import process_work as work

async def main():
    pool = ProcessPool(size=1, memory_bytes=300 << 20, idle_seconds=30)
    print(await pool.run(work.own_pid, timeout=10), flush=True)
    await pool.run(work.sleep, 60, timeout=60)

asyncio.run(main())
"""
    parent = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    parent.stdout.close()

    end = time.monotonic() + 5
    while psutil.pid_exists(child) and psutil.Process(child).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_message_pointing_past_itself_is_refused() -> None:
    with pytest.raises(ValueError, match="past its message"):
        unpack(b'{"$bytes": 5}', b"1234")


def test_a_message_nested_too_deeply_is_refused() -> None:
    with pytest.raises(ValueError, match="deeply"):
        unpack(b"[" * 100_000, b"")


def test_the_marker_of_byte_strings_is_refused_as_a_key() -> None:
    with pytest.raises(ValueError, match="key"):
        pack({"$bytes": 1})
