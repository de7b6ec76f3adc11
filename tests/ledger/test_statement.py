"""The statement as CSV, and the filters of the history."""

import csv
import io
from typing import Any
from uuid import uuid4

import pytest

from app.core.amounts import from_text, to_text
from app.core.db import Database
from app.core.settings import Settings
from app.ledger import statement
from tests.conftest import Account
from tests.ledger.purse import Purse

URL = "/v1/credits/transactions.csv"
FORMULAS = ('=HYPERLINK("http://example.com","x")', "+1", "-1", "@SUM(A1)", "\tx", "\uff1d1")


async def _fill(account: Account, database: Database, settings: Settings) -> Purse:
    purse = Purse(database, settings, account.workspace_id)
    await purse.state()
    for _ in range(3):
        await purse.hold(2, task := uuid4())
        await purse.capture(1, task)
    return purse


async def _csv(account: Account, **params: str) -> list[dict[str, str]]:
    answer = await account.live.get(URL, params=params)
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline=""), strict=True))


async def _json(account: Account, **params: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = (await account.live.get("/v1/credits/transactions", params=params)).json()["data"]
    return rows


async def test_it_says_what_the_list_says(
    account: Account, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    await _fill(account, database, settings)
    monkeypatch.setattr(statement, "ROWS_AT_ONCE", 2)
    rows = await _csv(account)
    assert [row["amount"] for row in rows] == ["-1", "-1", "-1", "10"]
    listed = await _json(account)
    for row, one in zip(rows, listed, strict=True):
        assert row | {"created_at": ""} == {
            "id": one["id"],
            "created_at": "",
            "kind": one["kind"],
            "amount": str(one["amount"]),
            "balance_before": str(one["balance_before"]),
            "balance_after": str(one["balance_after"]),
            "reason": one["reason"],
            "task_id": one["task_id"] or "",
        }
        assert row["created_at"].rstrip("Z").rstrip("0") == one["created_at"].rstrip("Z").rstrip("0")


async def test_it_is_a_file_of_the_right_kind(account: Account) -> None:
    await account.live.get("/v1/credits")
    answer = await account.live.get(URL)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8; header=present"
    assert answer.headers["content-disposition"].startswith('attachment; filename="credits-live-20')
    assert answer.text.count("\r\n") == answer.text.count("\n") == 2
    assert (await account.test.get(URL)).text.count("\r\n") == 1
    assert (await account.live.get(URL, params={"created_after": "yesterday"})).status_code == 422


async def test_what_a_spreadsheet_would_run_is_text(account: Account, database: Database, settings: Settings) -> None:
    purse = Purse(database, settings, account.workspace_id)
    for reason in (*FORMULAS, 'two\r\nlines, one "quoted"'):
        await purse.grant(1, reason=reason)
    rows = await _csv(account)
    assert [row["reason"] for row in rows[::-1]] == [
        "Welcome credits",
        *(f"'{formula}" for formula in FORMULAS),
        'two\r\nlines, one "quoted"',
    ]


async def test_adjoining_periods_share_no_row_and_lose_none(
    account: Account, database: Database, settings: Settings
) -> None:
    await _fill(account, database, settings)
    rows = await _csv(account)
    border = rows[1]["created_at"]
    for fetch in (_csv, _json):
        older, newer = await fetch(account, created_before=border), await fetch(account, created_after=border)
        assert [row["id"] for row in [*newer, *older]] == [row["id"] for row in rows]
        assert len(newer) == 2


async def test_pages_are_asked_for_as_they_are_read(
    account: Account, database: Database, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is read ahead, so the length of the history does not matter."""
    await _fill(account, database, settings)
    monkeypatch.setattr(statement, "ROWS_AT_ONCE", 1)
    asked = 0
    real = statement.queries.list_transfers

    async def counting(*args: Any, **options: Any) -> Any:
        nonlocal asked
        asked += 1
        return await real(*args, **options)

    monkeypatch.setattr(statement.queries, "list_transfers", counting)

    class Caller:
        workspace_id, mode = account.workspace_id, "live"

    lines = await statement.open_statement(database, Caller(), statement.Period())  # type: ignore[arg-type]
    counts = []
    async for _ in lines:
        counts.append(asked)
    assert counts == [1, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("micro", "text"), [(0, "0"), (1, "0.000001"), (-1_500_000, "-1.5"), (10**15 + 1, "1000000000.000001")]
)
def test_decimals_are_exact(micro: int, text: str) -> None:
    assert to_text(micro) == text


def test_amounts_are_read_exactly() -> None:
    assert from_text("0.1") == 100_000
    assert from_text("100") == 100_000_000
    for wrong in ("0", "-1", "1e3", "1.0000001", "", "١", "1,5", "9" * 10):
        with pytest.raises(ValueError, match="number of credits"):
            from_text(wrong)
