"""docs/api-keys.md is true: its pattern, its key to test with, its defaults, and its example as pasted."""

import asyncio
import re
import zlib
from pathlib import Path

from typer.testing import CliRunner

from app import openapi
from app.accounts.keys import secrets
from app.accounts.permissions import KEY_SCOPES
from app.cli import cli
from app.core.ids import new_id
from app.core.settings import Settings
from tests.conftest import Account

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "api-keys.md").read_text()
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def published() -> str:
    found = re.search(r"^(\\bbk_.*)$", PAGE, re.MULTILINE)
    assert found
    return found[1]


def checksum(key: str) -> str:
    """As the page tells it, without our code."""
    number, text = zlib.crc32(key[:-6].encode("ascii")), ""
    while number:
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    return text.rjust(6, "0")


def test_one_pattern_is_published_everywhere() -> None:
    shown = CliRunner().invoke(cli, ["keys", "pattern"]).stdout.strip()
    assert shown == published() == secrets.SCAN_PATTERN
    assert shown in (ROOT / "SECURITY.md").read_text()
    assert shown in openapi.DESCRIPTION


def test_it_finds_keys_in_text_and_the_checksum_tells_them() -> None:
    keys = [secrets.make("live", new_id()), secrets.make("test", new_id())]
    decoy = keys[0][:-1] + ("0" if keys[0][-1] != "0" else "1")
    text = f'KEY="{keys[0]}"\nurl=https://x/?k={keys[1]}&y=1 {decoy} x{keys[0]} {keys[0]}x'
    found = re.findall(published(), text)
    assert found == [*keys, decoy]
    assert [key for key in found if checksum(key) == key[-6:]] == keys


def test_the_key_to_test_with_is_one() -> None:
    found = re.search(r"^(bk_test_\w+)$", PAGE, re.MULTILINE)
    assert found
    assert re.fullmatch(published(), found[1])
    assert checksum(found[1]) == found[1][-6:]
    assert secrets.parse(found[1]) is not None
    assert f"{zlib.crc32(found[1][:-6].encode())}, in base 62 `{found[1][-6:]}`" in PAGE


def test_the_scopes_a_key_has_by_default_are_listed() -> None:
    listed = re.search(r"Left out: (.*?)\. Managing", PAGE)
    assert listed
    assert set(re.findall(r"`([a-z:]+)`", listed[1])) == set(KEY_SCOPES)


async def test_the_example_works_as_pasted(account: Account, settings: Settings) -> None:
    script = re.findall(r"```sh\n(.*?)```", PAGE, re.DOTALL)[0]
    process = await asyncio.create_subprocess_exec(
        *("bash", "-euo", "pipefail", "-c", script),
        env={"URL": settings.api.public_url, "KEY": account.key, "PATH": "/usr/local/bin:/usr/bin:/bin"},
        stdout=asyncio.subprocess.PIPE,
    )
    shown, _ = await process.communicate()
    assert process.returncode == 0
    assert b'"secret":"bk_live_' in shown
    assert b'"rate_limit":120' in shown
