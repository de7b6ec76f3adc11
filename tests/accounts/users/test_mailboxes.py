"""Which mailbox is behind an address."""

from pathlib import Path

import pytest

from app.accounts.users.mailboxes import canonical, is_disposable
from app.core.account_settings import Auth
from app.core.settings import Settings


@pytest.mark.parametrize(
    ("address", "mailbox"),
    [
        ("A.N@Gmail.com", "an@gmail.com"),
        ("an+shop@googlemail.com", "an@gmail.com"),
        ("an+shop@outlook.com", "an@outlook.com"),
        ("a.n@outlook.com", "a.n@outlook.com"),
        ("an@pm.me", "an@proton.me"),
        ("an+shop@company.vn", "an+shop@company.vn"),
        ("+@gmail.com", "+@gmail.com"),
        ("...@gmail.com", "...@gmail.com"),
    ],
)
def test_the_mailbox_of_an_address(address: str, mailbox: str) -> None:
    assert canonical(address) == mailbox


def settings(**auth: object) -> Settings:
    return Settings(_env_file=None, auth=Auth(**auth))  # type: ignore[arg-type, call-arg]


def test_known_disposable_domains_and_those_below_them_are_found() -> None:
    assert is_disposable(settings(), "a@MAILINATOR.com")
    assert is_disposable(settings(), "a@x.mailinator.com")
    assert not is_disposable(settings(), "a@notmailinator.com")


def test_a_list_of_the_operators_is_added(tmp_path: Path) -> None:
    listed = tmp_path / "domains.txt"
    listed.write_text("# seen in May\nthrow.example  # again\n\n@Away.example\n")
    mine = settings(disposable_domains=listed)
    assert is_disposable(mine, "a@throw.example")
    assert is_disposable(mine, "a@away.example")
    assert is_disposable(mine, "a@yopmail.com")
    assert not is_disposable(mine, "a@example.com")


def test_they_may_be_allowed() -> None:
    assert not is_disposable(settings(disposable="allow"), "a@mailinator.com")


def test_a_list_that_is_not_there_is_told_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="disposable_domains"):
        settings(disposable_domains=tmp_path / "none.txt")
