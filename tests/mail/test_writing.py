"""What mails say: every kind in both languages, whatever the facts; the text and the HTML say the same."""

import re
from datetime import timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, get_args

import pytest
from jinja2 import StrictUndefined

from app.core import clock, tokens
from app.core.account_settings import Mail
from app.core.ids import new_id
from app.core.settings import Settings
from app.mail.errors import Rejected
from app.mail.facts import clean
from app.mail.service import Kind
from app.mail.writing import PAGES, TEMPLATES, Letter, Order, Writer

KINDS = get_args(Kind)
FACTS = {
    "other": "t.hu+shop@gmail.com",
    "ip": "203.0.113.7",
    "user_agent": "Mozilla/5.0 (X11; Linux x86_64) Firefox/140.0",
    "new_email": "moi@example.vn",
    "provider": "google",
    "workspace": "Xưởng ảnh Ánh Dương",
    "inviter": "Nguyễn Văn An",
    "role": "member",
    "erase_at": "2026-12-22T10:00:00.123456+00:00",
    "left": "1.5",
    "operation": "remove_background",
    "task": "task_01jcqzm4x8e3v9tk5h2w7d6n0p",
    "reason": "The provider could not be reached.",
    "url": "https://shop.example.com/hook",
    "description": "orders of the shop",
    "mode": "test",
}
HOSTILE = {
    "html": "<script>alert(1)</script><a href='https://evil.example'>x</a> & \"quoted\"",
    "crlf": "An\r\nBcc: victim@example.com\r\n\r\n[Press here]\n- item",
    "rtl": "\u202egnp.exe\u202c شركة الاختبار \u2066x",
    "long": "Ánh" * 5000,
    "template": "{{ 7 * 7 }} {% raw %} [Button]",
    "link": "Win at https://evil.example/now or www.evil.example",
    "nul": "a\x00b\x1b[31m\u2028c\ud83d",
    "empty": "",
}
SETTINGS = Settings(_env_file=None, mail={"reply_to": "help@example.com"}, api={"public_url": "https://api.example"})  # type: ignore[call-arg, arg-type]


def order(kind: str = "invitation", locale: str = "en", **other: Any) -> Order:
    now = clock.now()
    fields: dict[str, Any] = {
        "id": new_id(),
        "kind": kind,
        "to_address": "thu@example.vn",
        "locale": locale,
        "facts": FACTS,
        "token_id": new_id(),
        "created_at": now,
        "expires_at": now + timedelta(hours=24),
    }
    return Order(**fields | other)


def write(wanted: Order, **mail: Any) -> Letter:
    settings = SETTINGS.model_copy(update={"mail": Mail(**{"reply_to": "help@example.com", **mail})})
    return Writer(settings, undefined=StrictUndefined).write(wanted)


class Page(HTMLParser):
    """The words of an HTML mail, its tags and its links."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.words: list[str] = []
        self.tags: set[str] = set()
        self.links: list[str] = []
        self._skips = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self._skips += tag == "head"
        assert not [name for name, _ in attributes if name.startswith("on") or name in ("src", "background")]
        self.links += [value or "" for name, value in attributes if name == "href"]

    def handle_endtag(self, tag: str) -> None:
        self._skips -= tag == "head"

    def handle_data(self, data: str) -> None:
        if not self._skips:
            self.words += data.split()


def words_of_html(page: Page, locale: str) -> list[str]:
    """Without the product above all, and what is said of the link in the open."""
    beside_link = (TEMPLATES / locale / "common.txt").read_text().partition("\n")[0]
    assert page.words[0] == "Backlot"
    return " ".join(page.words[1:]).replace(beside_link + " ", "").split()


def words_of_text(text: str) -> list[str]:
    """Without the marks of a plain text: bullets, the line before the footer, the colon of a button."""
    lines = [line.removeprefix("- ") for line in text.splitlines() if line.strip() != "--"]
    for place, line in enumerate(lines):
        if line.startswith("https://api.example/account/"):
            lines[place - 1] = lines[place - 1].removesuffix(":")
    return " ".join(lines).split()


def check(letter: Letter, wanted: Order) -> None:
    assert 5 < len(letter.subject) < 60
    assert letter.subject.isprintable()
    page = Page(letter.html)
    assert page.tags <= {*("html", "head", "meta", "title", "body", "table", "tr", "td", "p", "a", "br")}, (
        "nothing that runs, loads or sends"
    )
    token = tokens.make(SETTINGS, wanted.token_id) if wanted.token_id else ""
    if wanted.kind in PAGES:
        link = f"https://api.example/account/{PAGES[wanted.kind]}?token={token}"
        assert page.links == [link, link], "the button, and the same link in the open"
        assert letter.text.splitlines().count(link) == 1
    else:
        assert page.links == []
        assert token not in letter.text
    assert words_of_html(page, wanted.locale) == words_of_text(letter.text)


@pytest.mark.parametrize("locale", ["en", "vi"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_the_same_in_text_and_html(kind: str, locale: str) -> None:
    wanted = order(kind, locale)
    letter = write(wanted)
    check(letter, wanted)
    assert f'<html lang="{locale}">' in letter.html
    if locale == "vi":
        assert re.search("[ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ]", letter.subject + letter.text)


@pytest.mark.parametrize("locale", ["en", "vi"])
@pytest.mark.parametrize("hostile", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("kind", KINDS)
def test_no_fact_is_more_than_a_short_word_in_a_line(kind: str, hostile: str, locale: str) -> None:
    wanted = order(kind, locale, facts=dict.fromkeys(FACTS, hostile))
    letter = write(wanted)
    check(letter, wanted)
    assert len(letter.text) < 3000
    for part in (letter.subject, letter.text, letter.html):
        assert "<script" not in part or part is letter.text
        assert "https://evil.example" not in part
        assert "www.evil.example" not in part
        assert not set(part) & set("\u202a\u202b\u202c\u202d\u202e\u2066\x00\x1b\u2028\r")
    assert "\nBcc" not in letter.text
    assert [name for name, _ in letter.message.items() if name == "Bcc"] == []
    assert not [line for line in letter.text.splitlines() if line.startswith(("[Press", "- item"))]
    letter.message.as_bytes()


@pytest.mark.parametrize("kind", KINDS)
def test_a_fact_that_is_not_there_is_left_out(kind: str) -> None:
    letter = Writer(SETTINGS).write(order(kind, facts={}, expires_at=None))
    assert "None" not in letter.text
    assert letter.subject


@pytest.mark.parametrize("kind", KINDS)
def test_each_language_has_every_kind(kind: str) -> None:
    for locale in ("en", "vi"):
        assert (TEMPLATES / locale / f"{kind}.txt").is_file()
    assert {path.stem for path in (TEMPLATES / "en").iterdir()} == {path.stem for path in (TEMPLATES / "vi").iterdir()}


def test_right_to_left_words_are_kept_apart() -> None:
    letter = write(order(facts=FACTS | {"workspace": "شركة"}))
    assert "\u2068شركة\u2069" in letter.text


@pytest.mark.parametrize(
    ("locale", "subject"),
    [
        ("vi-VN", "Đặt lại mật khẩu Backlot"),
        ("VI", "Đặt lại mật khẩu Backlot"),
        ("fr", "Reset your Backlot password"),
        ("../..", "Reset your Backlot password"),
        ("", "Reset your Backlot password"),
    ],
)
def test_a_language_we_do_not_speak_gets_english(locale: str, subject: str) -> None:
    assert write(order("reset_password", locale)).subject == subject


@pytest.mark.parametrize(
    ("span", "english", "vietnamese"),
    [
        (timedelta(minutes=30), "30 minutes", "30 phút"),
        (timedelta(seconds=3599.98), "1 hour", "1 giờ"),
        (timedelta(hours=24), "24 hours", "24 giờ"),
        (timedelta(days=7), "7 days", "7 ngày"),
        (timedelta(minutes=90), "90 minutes", "90 phút"),
    ],
)
def test_it_says_how_long_the_link_works(span: timedelta, english: str, vietnamese: str) -> None:
    now = clock.now()
    for locale, words in (("en", english), ("vi", vietnamese)):
        letter = write(order("verify_email", locale, created_at=now, expires_at=now + span))
        assert f"{words}." in letter.text


def test_the_same_order_makes_the_same_parts_whenever_it_is_sent() -> None:
    """So that a second try carries what the first one did: Resend compares."""
    wanted = order()
    first, second = write(wanted), write(wanted)
    assert (first.subject, first.text, first.html) == (second.subject, second.text, second.html)
    assert first.message["Message-ID"] == second.message["Message-ID"]


def test_moments_and_roles_are_told_in_words() -> None:
    assert "22 December 2026, 10:00 UTC" in write(order("deletion_scheduled")).text
    assert "10:00 ngày 22/12/2026 (UTC)" in write(order("deletion_scheduled", "vi")).text
    assert "thành viên" in write(order(locale="vi")).text


def test_product_and_support_are_the_operators() -> None:
    letter = write(order("email_changed"), product="Ảnh & Studio", reply_to="Hỗ trợ <hotro@studio.example>")
    assert "Ảnh & Studio" in letter.subject
    assert "Ảnh &amp; Studio" in letter.html
    assert "hotro@studio.example" in letter.text
    assert "Write to" not in write(order("email_changed"), reply_to=None).text


def test_links_lead_to_the_front_end_where_there_is_one() -> None:
    auth = SETTINGS.auth.model_copy(update={"app_url": "https://app.example/"})
    letter = Writer(SETTINGS.model_copy(update={"auth": auth})).write(order("verify_email"))
    assert "https://app.example/account/verify-email?token=bkl_" in letter.text


def test_templates_of_the_operators_own_go_first(tmp_path: Path) -> None:
    (tmp_path / "fr").mkdir()
    (tmp_path / "fr" / "verify_email.txt").write_text("Subject: Bienvenue\n\nBonjour {{ to }}\n\n[Confirmer]\n")
    (tmp_path / "fr" / "common.txt").write_text("Ou ouvrez ce lien :\n\n{{ product }}\n")
    letter = write(order("verify_email", "fr"), templates=tmp_path)
    assert letter.subject == "Bienvenue"
    assert letter.text.startswith(
        "Bonjour thu@example.vn\n\nConfirmer:\nhttps://api.example/account/verify-email?token="
    )
    assert "Ou ouvrez ce lien :" in letter.html
    assert write(order("reset_password", "fr"), templates=tmp_path).subject == "Reset your Backlot password"


def test_a_kind_nobody_wrote_a_template_for_is_refused() -> None:
    with pytest.raises(Rejected, match="no template"):
        write(order("no_such_kind"))


@pytest.mark.parametrize("name", ["cafe.de", "dead.beef.cc", "1.2.3", "visit evil.example.com now"])
def test_a_name_is_no_link(name: str) -> None:
    """Mail programs make one of whatever looks like a host."""
    assert re.search(r"\w[.][^\W\d]", clean(name)) is None


@pytest.mark.parametrize("address", ["203.0.113.7", "2001:db8::7", "thu@example.com"])
def test_an_address_stays_as_it_is(address: str) -> None:
    assert clean(address) == address
