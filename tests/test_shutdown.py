"""A process that is told to stop ends its open waits and streams, and then itself."""

import os
import signal
import threading
import time
from pathlib import Path

import httpx

from tests.dev_stack import Stack


def test_open_streams_and_waits_do_not_hold_the_stop_up(tmp_path: Path) -> None:
    stack = Stack(tmp_path / "data")
    task_id = stack.order()
    for worker in stack.workers():
        worker.suspend()  # so that the task goes on
    ends: list[str] = []

    def follow(path: str) -> None:
        with httpx.Client(headers={"X-API-Key": stack.ready["api_key"]}, timeout=60) as client:
            try:
                with client.stream("GET", stack.ready["url"] + path) as answer:
                    answer.read()
                    ends.append("ended")
            except httpx.TransportError:
                ends.append("broken")

    paths = [f"/v1/tasks/{task_id}/events", f"/v1/tasks/{task_id}?wait=50"]
    followers = [threading.Thread(target=follow, args=(path,)) for path in paths]
    for follower in followers:
        follower.start()
    time.sleep(1)
    started = time.monotonic()
    for pid in stack.ready["pids"]["api"]:
        assert not ends
        os.kill(pid, signal.SIGTERM)
    for follower in followers:
        follower.join(30)
    assert ends == ["ended", "ended"]
    assert time.monotonic() - started < 2.5
    for worker in stack.workers():
        worker.resume()
    stack.stop()
