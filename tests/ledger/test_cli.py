"""The commands that give credits and give them back."""

import asyncio
from collections.abc import Awaitable, Callable
from uuid import uuid4

import pytest
from click.testing import Result
from typer.testing import CliRunner

from app.cli import cli
from app.cli.context import CommandFailed
from app.core.db import Database
from app.core.ids import encode
from app.core.settings import Settings
from tests.conftest import Account
from tests.ledger.purse import Purse

Command = Callable[..., Awaitable[Result]]


@pytest.fixture
def command(settings: Settings) -> Command:
    """In this process, which has the settings; in a thread, since it runs a loop of its own."""
    return lambda *words: asyncio.to_thread(CliRunner().invoke, cli, ["credits", *words])


async def test_credits_are_granted_once_for_a_reference(account: Account, command: Command) -> None:
    words = ("grant", "--email", account.email, "--credits", "2.5", "--expires", "30d", "--reference", str(uuid4()))
    first, again = await command(*words), await command(*words)
    assert first.stdout == f"Gave {account.email} 2.5 live credits. The balance is 12.5.\n"
    assert again.stdout.startswith(f"Gave {account.email} nothing")
    other = await command(*words[:4], "3", *words[5:])
    assert (other.exit_code, other.stdout) == (1, "")
    assert "stands for another grant" in str(other.exception)
    tested = await command("grant", "--email", account.email, "--credits", "1", "--test", "--expires", "2999-12-31")
    assert tested.stdout == f"Gave {account.email} 1 test credits. The balance is 1001.\n"
    newest = (await account.test.get("/v1/credits/grants")).json()["data"][0]
    assert newest["expires_at"] == "3000-01-01T00:00:00Z"


async def test_a_task_is_refunded(account: Account, command: Command, database: Database, settings: Settings) -> None:
    purse, task = Purse(database, settings, account.workspace_id), uuid4()
    await purse.hold(3, task)
    await purse.capture(3, task)
    public = encode("task", task)
    assert (await command("refund", public, "--credits", "1")).stdout == "Refunded. The balance is 8.\n"
    assert (await command("refund", public, "--reason", "Sorry")).stdout == "Refunded. The balance is 10.\n"
    rest = await command("refund", public)
    assert (rest.exit_code, rest.stdout) == (1, "")
    assert str(rest.exception) == "Of this task's charge 0 credits are left to refund."
    newest = (await account.live.get("/v1/credits/transactions")).json()["data"][0]
    assert (newest["kind"], newest["amount"], newest["reason"], newest["task_id"]) == ("refund", 2, "Sorry", public)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("grant", "--email", "nobody@example.com", "--credits", "1"), "no user"),
        (("grant", "--email", "nobody@example.com", "--credits", "1e3"), "no number of credits"),
        (("grant", "--email", "nobody@example.com", "--credits", "1", "--expires", "2020-01-31"), "is over"),
        (("grant", "--email", "nobody@example.com", "--credits", "1", "--expires", "soon"), "no time to expire"),
        (("refund", "asset_1"), "not a valid id"),
    ],
)
async def test_what_is_wrong_is_said(command: Command, words: tuple[str, ...], said: str) -> None:
    failed = await command(*words)
    assert failed.exit_code == 1
    assert isinstance(failed.exception, CommandFailed)
    assert said in str(failed.exception)
