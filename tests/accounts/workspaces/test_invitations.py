"""Invitations over HTTP: sent, shown, accepted, sent again, withdrawn."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from app.accounts.models import User
from app.accounts.workspaces import invitations
from app.accounts.workspaces.models import Invitation
from app.core import clock, tokens
from app.core.db import Database
from app.core.ids import decode
from app.core.settings import Settings
from app.core.throttle import Limit
from app.mail.models import Mail
from tests.accounts.conftest import People
from tests.accounts.people import Person, make_key, seat
from tests.accounts.workspaces.test_members import roles
from tests.accounts.workspaces.test_workspaces import acts
from tests.conftest import client
from tests.test_hostile import check


async def invite(person: Person, team: str, email: str, role: str = "member") -> dict[str, Any]:
    answer = await person.http.post(f"/v1/workspaces/{team}/invitations", json={"email": email, "role": role})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def mails(database: Database, email: str) -> list[Mail]:
    async with database.transaction() as session:
        query = select(Mail).where(Mail.to_address == email).order_by(Mail.created_at)
        return list((await session.execute(query)).scalars())


async def link(settings: Settings, database: Database, email: str) -> str:
    """The token in the last mail to the address."""
    token_id = (await mails(database, email))[-1].token_id
    assert token_id is not None
    return tokens.make(settings, token_id)


async def change(database: Database, invitation: dict[str, Any], **values: Any) -> None:
    async with database.transaction() as session:
        query = update(Invitation).where(Invitation.id == decode("inv", invitation["id"]))
        await session.execute(query.values(values))


async def test_somebody_invited_gets_a_mail_and_accepts(people: People, settings: Settings, database: Database) -> None:
    an, binh = await people("an", name="An", locale="vi"), await people("binh")
    team = await an.make_team("Xưởng")
    sent = await invite(an, team, binh.email.upper(), "admin")
    assert (sent["email"], sent["role"], sent["invited_by"]) == (binh.email, "admin", an.id)
    (mail,) = await mails(database, binh.email)
    assert (mail.kind, mail.locale) == ("invitation", "en")  # the invitee's
    assert mail.facts == {"workspace": "Xưởng", "inviter": "An", "role": "admin"}
    assert mail.expires_at is not None
    token = await link(settings, database, binh.email)
    async with client(settings) as anybody:
        shown = (await anybody.get(f"/v1/invitations/{token}")).json()
    masked = f"b•••@{binh.email.partition('@')[2]}"
    assert (shown["workspace"], shown["inviter"], shown["role"], shown["email"]) == ("Xưởng", "An", "admin", masked)
    accepted = await binh.http.post(f"/v1/invitations/{token}/accept")
    assert (accepted.status_code, accepted.json()["id"], accepted.json()["role"]) == (200, team, "admin")
    assert (await roles(database, team))[str(binh.user_id)] == "admin"
    assert [name for name, _ in await acts(database, team)] == [
        "workspace.created",
        "invitation.sent",
        "invitation.accepted",
    ]
    assert (await an.http.get(f"/v1/workspaces/{team}/invitations")).json()["data"] == []


async def test_to_accept_again_is_the_same_seat(people: People, settings: Settings, database: Database) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    await invite(an, team, binh.email)
    token = await link(settings, database, binh.email)
    answers = await asyncio.gather(*(binh.http.post(f"/v1/invitations/{token}/accept") for _ in range(4)))
    assert {(answer.status_code, answer.json().get("role")) for answer in answers} == {(200, "member")}
    assert [name for name, _ in await acts(database, team)].count("invitation.accepted") == 1


async def test_a_link_of_somebody_who_was_removed_lets_nobody_in_again(
    people: People, settings: Settings, database: Database
) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    await invite(an, team, binh.email)
    token = await link(settings, database, binh.email)
    await binh.http.post(f"/v1/invitations/{token}/accept")
    await an.http.delete(f"/v1/workspaces/{team}/members/{binh.id}")
    check(await binh.http.post(f"/v1/invitations/{token}/accept"), 404, "invitation_not_found")


async def test_only_the_account_of_the_address_may_accept(
    people: People, settings: Settings, database: Database
) -> None:
    an, binh, chi = await people("an"), await people("binh"), await people("chi")
    team = await an.make_team()
    await invite(an, team, binh.email)
    path = f"/v1/invitations/{await link(settings, database, binh.email)}/accept"
    told = check(await chi.http.post(path), 403, "other_invitee")
    assert "b•••@example.com" in told["detail"]
    assert binh.email not in str(told)
    async with database.transaction() as session:
        await session.execute(update(User).where(User.id == binh.user_id).values(email_verified_at=None))
    check(await binh.http.post(path), 403, "email_unverified")
    assert (await roles(database, team)).keys() == {str(an.user_id)}


async def test_no_key_accepts(people: People, settings: Settings, database: Database) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    await invite(an, team, binh.email)
    path = f"/v1/invitations/{await link(settings, database, binh.email)}/accept"
    _, secret = await make_key(database, binh, await binh.make_team())
    async with client(settings, secret) as key, client(settings) as nobody:
        check(await key.post(path), 403, "session_required")
        check(await nobody.post(path), 401, "missing_credentials")


@pytest.mark.parametrize("end", ["expired", "withdrawn", "workspace deleted", "forged", "other's id"])
async def test_a_link_that_is_no_longer_good_opens_nothing(
    people: People, settings: Settings, database: Database, end: str
) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    sent = await invite(an, team, binh.email)
    token = await link(settings, database, binh.email)
    match end:
        case "expired":
            await change(database, sent, expires_at=clock.now())
        case "withdrawn":
            gone = await an.http.delete(f"/v1/workspaces/{team}/invitations/{sent['id']}")
            assert gone.status_code == 204
        case "workspace deleted":
            assert (await an.http.delete(f"/v1/workspaces/{team}")).status_code == 204
        case "forged":
            token = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
        case _:
            token = tokens.make(settings, an.user_id)
    check(await binh.http.get(f"/v1/invitations/{token}"), 404, "invitation_not_found")
    check(await binh.http.post(f"/v1/invitations/{token}/accept"), 404, "invitation_not_found")


async def test_to_invite_again_sends_the_same_invitation_as_another_role(
    people: People, settings: Settings, database: Database
) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    first = await invite(an, team, binh.email, "viewer")
    await change(database, first, expires_at=clock.now() - timedelta(days=1))
    again = await invite(an, team, binh.email, "member")
    assert (again["id"], again["role"]) == (first["id"], "member")
    assert again["expires_at"] >= first["expires_at"]
    assert len(await mails(database, binh.email)) == 2
    token = await link(settings, database, binh.email)
    assert (await binh.http.post(f"/v1/invitations/{token}/accept")).json()["role"] == "member"


async def test_two_who_invite_the_same_at_once_send_one_invitation(people: People) -> None:
    an = await people("an")
    team = await an.make_team()
    sent = await asyncio.gather(*(invite(an, team, "new@example.com") for _ in range(4)))
    assert len({one["id"] for one in sent}) == 1


async def test_an_invitation_is_sent_again_and_lives_longer(people: People, database: Database) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    sent = await invite(an, team, binh.email)
    await change(database, sent, expires_at=clock.now() - timedelta(hours=1))
    answer = await an.http.post(f"/v1/workspaces/{team}/invitations/{sent['id']}/resend")
    assert (answer.status_code, answer.json()["id"]) == (200, sent["id"])
    assert answer.json()["expires_at"] > sent["created_at"]
    assert len(await mails(database, binh.email)) == 2


async def test_open_invitations_are_listed_in_pages(people: People) -> None:
    an = await people("an")
    team = await an.make_team()
    sent = [await invite(an, team, f"{number}-{an.email}") for number in range(3)]
    path = f"/v1/workspaces/{team}/invitations"
    first = (await an.http.get(path, params={"limit": 2})).json()
    second = (await an.http.get(path, params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert first["data"] + second["data"] == sent[::-1]


async def test_owners_alone_invite_owners_and_touch_their_invitations(people: People, database: Database) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    await seat(database, team, binh, "admin")
    path = f"/v1/workspaces/{team}/invitations"
    address = f"new-{an.email}"
    check(await binh.http.post(path, json={"email": address, "role": "owner"}), 403, "forbidden_role")
    sent = await invite(an, team, address, "owner")
    check(await binh.http.post(path, json={"email": address, "role": "viewer"}), 403, "forbidden_role")
    check(await binh.http.post(f"{path}/{sent['id']}/resend"), 403, "forbidden_role")
    check(await binh.http.delete(f"{path}/{sent['id']}"), 403, "forbidden_role")
    await invite(binh, team, f"another-{an.email}", "admin")


@pytest.mark.parametrize("role", ["viewer", "member"])
async def test_others_than_admins_invite_nobody(people: People, database: Database, role: str) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    await seat(database, team, binh, role)
    path = f"/v1/workspaces/{team}/invitations"
    check(await binh.http.post(path, json={"email": "new@example.com"}), 403, "missing_scope")
    assert (await binh.http.get(path)).status_code == 200


async def test_who_is_in_already_is_not_invited(people: People) -> None:
    an = await people("an")
    path = f"/v1/workspaces/{await an.make_team()}/invitations"
    check(await an.http.post(path, json={"email": an.email.title()}), 409, "already_member")


async def test_an_unverified_user_invites_nobody(people: People) -> None:
    an = await people("an", email_verified_at=None)
    path = f"/v1/workspaces/{await an.make_team()}/invitations"
    check(await an.http.post(path, json={"email": "new@example.com"}), 403, "email_unverified")


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"email": "nobody"}, "/email"),
        ({"email": "a\x00@example.com"}, "/email"),
        ({}, "/email"),
        ({"email": "new@example.com", "role": "king"}, "/role"),
        ({"email": "new@example.com", "note": "hi"}, "/note"),
    ],
)
async def test_what_is_wrong_is_named(people: People, body: dict[str, Any], pointer: str) -> None:
    an = await people("an")
    answer = await an.http.post(f"/v1/workspaces/{await an.make_team()}/invitations", json=body)
    assert check(answer, 422, "invalid_request")["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("limit", ["BY_WORKSPACE", "BY_USER", "TO_MAILBOX"])
async def test_invitations_are_limited(
    people: People, database: Database, monkeypatch: pytest.MonkeyPatch, limit: str
) -> None:
    monkeypatch.setattr(invitations, limit, Limit(getattr(invitations, limit).name, 2, 3600))
    an = await people("an")
    team = await an.make_team()
    path = f"/v1/workspaces/{team}/invitations"
    address = f"same-{an.email}"
    sent = await invite(an, team, address)
    await an.http.post(f"{path}/{sent['id']}/resend")
    refused = await an.http.post(path, json={"email": address})
    check(refused, 429, "too_many_attempts")
    assert int(refused.headers["retry-after"]) > 0
    assert len(await mails(database, address)) == 2
    assert [name for name, _ in await acts(database, team)].count("invitation.sent") == 2


async def test_a_withdrawn_address_may_be_invited_anew(people: People) -> None:
    an = await people("an")
    team = await an.make_team()
    first = await invite(an, team, f"new-{an.email}")
    path = f"/v1/workspaces/{team}/invitations/{first['id']}"
    assert (await an.http.delete(path)).status_code == 204
    check(await an.http.delete(path), 404, "invitation_not_found")
    check(await an.http.post(f"{path}/resend"), 404, "invitation_not_found")
    assert (await invite(an, team, f"new-{an.email}"))["id"] != first["id"]


async def test_a_mailbox_is_not_filled_by_its_other_addresses(
    people: People, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(invitations, "TO_MAILBOX", Limit(invitations.TO_MAILBOX.name, 2, 3600))
    an = await people("an")
    path, name = f"/v1/workspaces/{await an.make_team()}/invitations", an.email.partition("@")[0]
    sent = [await an.http.post(path, json={"email": f"{name}+{number}@gmail.com"}) for number in range(3)]
    assert [answer.status_code for answer in sent] == [201, 201, 429]


async def test_one_invitation_is_read(people: People, database: Database) -> None:
    an, binh = await people("an"), await people("binh")
    team = await an.make_team()
    made = await an.http.post(f"/v1/workspaces/{team}/invitations", json={"email": binh.email})
    read = await an.http.get(made.headers["location"])
    assert (read.status_code, read.json()) == (200, made.json())
    assert (await an.http.get(read.url, headers={"If-None-Match": read.headers["etag"]})).status_code == 304
    await change(database, made.json(), revoked_at=clock.now())
    check(await an.http.get(made.headers["location"]), 404, "invitation_not_found")
