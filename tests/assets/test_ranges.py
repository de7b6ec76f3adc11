"""Parts of a file behind a signed link."""

import pytest

from tests.conftest import Account


@pytest.mark.parametrize(
    ("asked", "status"),
    [
        ("bytes=0-9", 206),
        ("bytes=-10", 206),
        ("bytes=0-9,20-29", 206),
        ("bytes=99999999-", 416),
        ("bytes=9-0", 416),
        ("bytes=a-b", 416),
        ("lines=1-2", 416),
        ("nonsense", 416),
    ],
)
async def test_a_range_is_served_or_refused_as_a_problem(account: Account, asked: str, status: int) -> None:
    asset = (await account.live.get(f"/v1/assets/{await account.upload()}")).json()
    answer = await account.live.get(asset["urls"]["full"], headers={"Range": asked})
    assert answer.status_code == status, answer.text
    if status == 416:
        assert answer.json()["code"] == "range_not_satisfiable"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["content-range"] == f"bytes */{asset['bytes']}"
    else:
        assert len(answer.content) < asset["bytes"]
