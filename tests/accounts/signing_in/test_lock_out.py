"""Lock-out: it stops who guesses, and cannot be turned against anybody else."""

import asyncio
from collections.abc import Callable

import pytest
from fastapi import FastAPI

from app.accounts.signing_in import guards
from app.core.settings import Settings
from tests.accounts.signing_in.people import OTHER, PASSWORD, Person, a_network, an_address, settings_of

Someone = Callable[..., Person]


async def guesses(person: Person, times: int, network: str | None = None) -> list[int]:
    return [
        (await person.post("login", email=person.email, password=OTHER, network=network)).status_code
        for _ in range(times)
    ]


async def test_five_wrong_ones_and_the_network_waits_for_fifteen_minutes(member: Person) -> None:
    assert await guesses(member, 6) == [401] * 5 + [429]
    answer = await member.log_in()
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert 880 <= int(answer.headers["retry-after"]) <= 900


async def test_many_at_once_are_no_more_than_one_after_the_other(member: Person) -> None:
    answers = await asyncio.gather(*(guesses(member, 1) for _ in range(20)))
    assert sorted(status for (status,) in answers) == [401] * 5 + [429] * 15


async def test_a_success_begins_the_count_anew(member: Person) -> None:
    for _ in range(3):
        assert await guesses(member, 4) == [401] * 4
        assert (await member.log_in()).status_code == 200


async def test_an_unknown_address_is_locked_alike(member: Person, someone: Someone) -> None:
    unknown = someone()
    assert await guesses(unknown, 6) == await guesses(member, 6)
    known, other = await member.log_in(), await unknown.log_in()
    assert known.json().keys() == other.json().keys()
    assert known.json()["detail"] == other.json()["detail"]
    assert abs(int(known.headers["retry-after"]) - int(other.headers["retry-after"])) <= 5


async def test_another_way_to_write_the_address_is_the_same_account(member: Person) -> None:
    await guesses(member, 3)
    shouting = Person(member.settings, member.database, email=member.email.upper(), network=member.network)
    assert await guesses(shouting, 3) == [401, 401, 429]


async def test_others_failures_elsewhere_do_not_lock_the_owner_out(member: Person) -> None:
    for _ in range(10):
        await guesses(member, 6, network=a_network())
    assert (await member.log_in()).status_code == 200


async def test_guessing_from_everywhere_is_slowed_down(member: Person) -> None:
    statuses = [status for _ in range(10) for status in await guesses(member, 5, network=a_network())]
    assert statuses == [401] * 30 + [429] * 20


async def test_an_unknown_address_is_slowed_down_alike(someone: Someone) -> None:
    unknown = someone()
    statuses = [status for _ in range(10) for status in await guesses(unknown, 5, network=a_network())]
    assert statuses == [401] * 30 + [429] * 20


async def test_the_owner_keeps_what_is_open_while_locked(member: Person) -> None:
    await guesses(member, 6)
    assert (await member.ask("GET", "/v1/tasks")).status_code == 200
    assert await member.has_session()


async def test_a_reset_opens_the_way_again(member: Person) -> None:
    for _ in range(8):
        await guesses(member, 6, network=a_network())
    await guesses(member, 6)
    newcomer = a_network()
    member.network = newcomer
    assert (await member.log_in()).status_code == 429, "from where nobody signed in from before"
    assert (await member.reset()).status_code == 204
    assert (await member.log_in(OTHER)).status_code == 200


async def test_neighbours_do_not_lock_out_who_signed_in_from_there_before(
    member: Person, someone: Someone, server: FastAPI
) -> None:
    async with settings_of(server, failures_per_network=3):
        stranger = someone(network=member.network)
        assert await guesses(stranger, 4) == [401] * 3 + [429]
        other = someone(network=member.network, email=an_address())
        assert await guesses(other, 1) == [429], "whatever the account"
        assert await guesses(member, 1) == [401]
        assert (await member.log_in()).status_code == 200


async def test_of_ipv6_a_network_is_a_household(member: Person) -> None:
    home = "2001:db8:1:2::"
    assert await guesses(member, 3, network=f"{home}1") == [401] * 3
    assert await guesses(member, 3, network=f"{home}2") == [401, 401, 429]
    assert await guesses(member, 1, network="2001:db8:1:3::1") == [401]


async def test_a_lock_is_told_once_in_the_audit_log(member: Person) -> None:
    await guesses(member, 8)
    query = "select actor_kind, action from audit_entries where target_id = $1 and action = 'sign_in.locked'"
    rows = await member.database.fetch(query, member.user_id)
    assert [row["actor_kind"] for row in rows] == ["anonymous"]


async def test_a_lock_ends_and_the_count_begins_anew(member: Person, server: FastAPI) -> None:
    async with settings_of(server, lock_seconds=0.5):
        assert (await guesses(member, 6))[-1] in (401, 429)
        async with asyncio.timeout(5):
            while (await member.log_in()).status_code == 429:
                await asyncio.sleep(0.05)


async def test_whom_it_is_about_does_not_rest(member: Person) -> None:
    await guesses(member, 6)
    rows = await member.database.fetch("select g::text as row from sign_in_guards g")
    assert not [row for row in rows if member.email in row["row"] or member.network in row["row"]]


async def test_what_says_nothing_any_more_is_forgotten(member: Person, settings: Settings) -> None:
    await guesses(member, 1)
    await member.database.fetch("update sign_in_guards set forget_at = now() - interval '1 s' where failures > 0")
    await guards.forget_old(member.database)
    rows = await member.database.fetch("select 1 from sign_in_guards where failures > 0")
    assert rows == []
    assert await guesses(member, 6) == [401] * 5 + [429]


async def test_refused_guesses_of_strangers_leave_no_rows(someone: Someone, server: FastAPI) -> None:
    stranger = someone()
    before = await stranger.database.fetch("select count(*) from sign_in_guards")
    async with settings_of(server, failures_per_network=1):
        for _ in range(5):
            stranger.email = an_address()
            await guesses(stranger, 1)
    after = await stranger.database.fetch("select count(*) from sign_in_guards")
    assert after[0][0] == before[0][0] + 1


@pytest.mark.parametrize(
    ("act", "setting"), [("signup", "signups_per_network"), ("forgot-password", "mails_per_network")]
)
async def test_a_network_asks_so_often(someone: Someone, server: FastAPI, act: str, setting: str) -> None:
    network = a_network()
    body = {"password": PASSWORD} if act == "signup" else {}
    async with settings_of(server, **{setting: 3}):
        answers = [await someone(network=network).post(act, email=an_address(), **body) for _ in range(4)]
        assert [answer.status_code for answer in answers] == [202, 202, 202, 429]
        assert 1100 <= int(answers[-1].headers["retry-after"]) <= 1200
        assert (await someone().post(act, email=an_address(), **body)).status_code == 202


@pytest.mark.parametrize("act", ["forgot-password", "resend-verification", "signup"])
async def test_a_mailbox_is_sent_so_many(someone: Someone, act: str) -> None:
    """By whatever of its addresses, whoever asks, and whether it has an account or not."""
    body = {"password": PASSWORD} if act == "signup" else {}
    name, statuses = an_address().partition("@")[0], []
    for tag in range(7):
        answer = await someone().post(act, email=f"{name}+{tag % 2}@gmail.com", **body)
        statuses.append(answer.status_code)
    assert statuses == [202] * 6 + [429]


async def test_links_are_tried_so_often(person: Person, server: FastAPI) -> None:
    async with settings_of(server, links_per_network=3):
        statuses = [(await person.post("verify-email", token="bkl_" + "A" * 58)).status_code for _ in range(4)]
    assert statuses == [422, 422, 422, 429]
