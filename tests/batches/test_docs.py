"""docs/batches.md is true: its examples work as pasted."""

import asyncio
import re
import sys
from pathlib import Path

import pytest

from app.core.settings import Settings
from tests.conftest import Account

pytestmark = [pytest.mark.usefixtures("running_workers"), pytest.mark.xdist_group("workers")]

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "batches.md").read_text()


async def test_the_examples_work_as_pasted(account: Account, settings: Settings) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)
    assert len(blocks) == 4
    script = "\n".join(blocks[1:]) + '\ncurl -sS $URL/v1/batches -H "X-API-Key: $KEY"'
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        cwd=ROOT,
        env={
            "URL": settings.api.public_url,
            "KEY": account.key,
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
        },
        stdout=asyncio.subprocess.PIPE,
    )
    said = (await process.communicate())[0].decode()
    assert process.returncode == 0, said
    assert '"status":"completed"' in said
    assert '"pointer":"/items/2/input/width"' in said
    assert said.count("event: task.succeeded") == 2
    assert "event: batch.completed" in said
    assert '"code": "batch_ended"' in said
