"""Erasing accounts: asked for, taken back, and done when the grace is over.

What is done here may stop at any line and is done again from the beginning; several workers may be at it. The books
stay: tasks keep their state and what they cost, transfers and holds are not touched, and none of it tells who it was.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts import changes
from app.accounts.audit import service as audit
from app.accounts.audit.service import Actor
from app.accounts.keys import ending
from app.accounts.models import Role, User, UserStatus, Workspace
from app.accounts.sessions import service as sessions
from app.accounts.users import queries as users
from app.accounts.users import verifying
from app.accounts.workspaces import members
from app.accounts.workspaces.errors import LastOwner
from app.assets import service as assets
from app.assets.tools import AssetTools
from app.batches import queries as batches
from app.core import clock
from app.core.db import UNREACHABLE, Database
from app.core.ids import encode
from app.core.problems import DependencyDown, InvalidRequest
from app.core.settings import Settings
from app.core.wire import moment
from app.generation import transitions
from app.mail import service as mail
from app.privacy.erasure import queries
from app.privacy.errors import AdminsStay, DeletionBegun, DeletionNotScheduled
from app.privacy.export import service as exports
from app.privacy.models import Erasure

log = structlog.get_logger()

LEASE = timedelta(minutes=10)
SETTLED = timedelta(minutes=5)
"""So long after the beginning nothing that was under way writes any more: all is gone through once again."""
PATIENCE = timedelta(days=4)
"""A last mail that could not be sent by then is not sent."""
AGAIN = timedelta(seconds=20)
TASKS_AT_ONCE = 50
ASSETS_AT_ONCE = 100


# --- asked for, and taken back


async def schedule(session: AsyncSession, user_id: UUID, actor: Actor, *, grace: timedelta, confirm: str) -> User:
    """Lock the account, and have it erased when the grace is over. Asked for again, the earlier time counts.

    `confirm` is the account's address. Raises InvalidRequest; and of who asks for their own AdminsStay or LastOwner.
    Of teams that lose their only owner in another way a member becomes one.
    """
    user = await users.lock_user(session, user_id)
    if confirm.strip().lower() != user.email.lower():
        raise InvalidRequest.at("/confirm", "Give the e-mail address of the account that is to be deleted.")
    erase_at = clock.now() + grace
    if user.erase_at is not None or user.status == UserStatus.ERASED:
        if (
            user.erase_at is not None
            and user.erase_at > erase_at
            and await queries.bring_forward(session, user_id, erase_at)
        ):
            user.erase_at = erase_at
            await _note(session, actor, "account.deletion_brought_forward", user)
        return user
    is_own = actor.user_id == user_id
    if user.role == Role.ADMIN and is_own:
        raise AdminsStay
    await queries.lock_teams(session, user_id)
    if is_own and (teams := await queries.list_teams_left_alone(session, user_id)):
        names = ", ".join(repr(team.name) for team in teams)
        raise LastOwner(
            f"You are the only owner of {names}, which others are in. Make one of them an owner, or delete the team.",
            workspaces=[{"id": encode("ws", team.id), "name": team.name} for team in teams],
        )
    user.erase_at = erase_at
    session.add(Erasure(user_id=user_id, due_at=erase_at))
    await sessions.end_all(session, user_id, reason="deletion_scheduled")
    workspace = await _note(session, actor, "account.deletion_scheduled", user)
    if is_own and user.email_verified_at is not None:
        facts = {"erase_at": moment(erase_at.replace(microsecond=0))}
        _post(session, "deletion_scheduled", user, workspace, facts=facts)
    return user


async def restore(session: AsyncSession, user_id: UUID, actor: Actor) -> User:
    """Take the deletion back. Raises DeletionNotScheduled or DeletionBegun."""
    user = await users.lock_user(session, user_id)
    if user.erase_at is None:
        raise DeletionNotScheduled
    if not await queries.take_back(session, user_id):
        raise DeletionBegun
    user.erase_at = None
    changes.tell(session, user_id)
    await _note(session, actor, "account.deletion_taken_back", user)
    return user


async def cancel_scheduled(database: Database) -> None:
    """End what is still open in the accounts that wait for their end: nobody may look at it any more."""
    async with database.transaction() as session:
        waiting = await queries.list_scheduled(session)
    for user_id in waiting:
        try:
            await cancel_tasks(database, user_id)
        except (DependencyDown, *UNREACHABLE):
            raise
        except Exception:
            log.exception("cancel_failed", user_id=str(user_id))  # the others wait too


async def cancel_tasks(database: Database, user_id: UUID) -> None:
    """All open tasks of the user's own workspaces, as customers cancel them; some in each transaction."""
    async with database.transaction() as session:
        workspaces = await queries.list_own_workspaces(session, user_id)
        purses = await queries.list_open_purses(session, workspaces)
    for workspace_id, mode in purses:
        while True:
            async with database.transaction() as session:
                tasks = await queries.lock_open_tasks(session, workspace_id, mode, TASKS_AT_ONCE)
                if not tasks:
                    break
                await transitions.cancel(session, tasks)
                await session.flush()  # the rows of tasks before those of batches
                for batch_id in sorted({task.batch_id for task in tasks if task.batch_id}):
                    await batches.note_cancel(session, batch_id)


def _post(session: AsyncSession, kind: mail.Kind, user: User, workspace: Workspace, **options: Any) -> None:
    mail.post(session, kind, to=user.email, locale=user.locale, workspace_id=workspace.id, **options)


async def _note(session: AsyncSession, actor: Actor, action: str, user: User) -> Workspace:
    """In the chain of the user's own workspace; what somebody else does to them in that of the installation too, which
    alone tells from where."""
    workspace = await users.get_personal_workspace(session, user.id)
    is_own = actor.user_id == user.id
    by = actor if is_own else actor.from_nowhere
    audit.record(session, by, action, workspace_id=workspace.id, target=("user", user.id))
    if not is_own:
        audit.record(session, actor, action, workspace_id=None, target=("user", user.id))
    return workspace


# --- done


async def erase_due(database: Database, settings: Settings, tools: AssetTools, *, only: UUID | None = None) -> int:
    """Do what is due, one account after the other; how many were looked at. What fails is due again."""
    done = 0
    while True:
        async with database.transaction() as session:
            due = await queries.claim(session, LEASE, settled=SETTLED, patience=PATIENCE, only=only)
        if due is None:
            return done
        done += 1
        try:
            await _erase(database, settings, tools, due)
        except (DependencyDown, *UNREACHABLE) as fault:
            log.warning("erasure_put_off", user_id=str(due.user_id), error=repr(fault))
            return done


async def _erase(database: Database, settings: Settings, tools: AssetTools, due: Any) -> None:
    user_id: UUID = due.user_id
    async with database.transaction() as session:
        await _begin(session, user_id)
    async with database.transaction() as session:
        workspaces = await queries.list_own_workspaces(session, user_id)
        values: dict[str, Any] = {
            "user_id": user_id,
            "workspaces": list(workspaces),
            "keys": await queries.list_keys(session, user_id),
            "addresses": await queries.list_addresses(session, user_id),
        }
    await cancel_tasks(database, user_id)
    await _erase_details_elsewhere(database, user_id, values)
    await _each(database, user_id, queries.CONTENT, values)
    await _erase_assets(database, tools, user_id, workspaces)
    await exports.erase(database, tools, user_id)
    await _each(database, user_id, queries.PERSON, values)
    # The last that knows earlier addresses: who begins again after this has nothing left to look for by them.
    await _erase_own_details(database, user_id, workspaces)
    mail_id = due.mail_id
    if due.erased_at is None:
        async with database.transaction() as session:
            mail_id = await _finish(session, settings, user_id)
    await _end(database, user_id, mail_id, is_settled=due.is_settled, is_overdue=due.is_overdue)


async def _begin(session: AsyncSession, user_id: UUID) -> None:
    """From here on there is no way back, nobody signs in any more, and the user is in no team with others.

    Done again each time: somebody may have been joining a team.
    """
    user = await users.lock_user(session, user_id)
    user.status, user.role, user.password_hash = UserStatus.ERASED, Role.USER, None
    await queries.lock_teams(session, user_id)
    teams = await queries.list_teams(session, user_id)
    shared = [team.id for team in teams if team.has_others]
    for team_id in shared:
        await _leave(session, team_id, user_id)
    await queries.remove_members(session, user_id, shared)
    await ending.revoke_made_by(session, user_id)
    alone = [team.id for team in teams if not team.has_others]
    await queries.close_teams(session, alone)  # whoever has an invitation comes too late
    for team_id in alone:
        changes.tell(session, team_id)
    await sessions.end_all(session, user_id, reason="erased")


async def _leave(session: AsyncSession, team_id: UUID, user_id: UUID) -> None:
    """What goes with somebody's seat, and who takes their place if it was the last owner's."""
    heir = await queries.promote_in_place_of(session, team_id, user_id)
    if heir is not None:
        role = {"role": "owner"}
        target = ("user", heir)
        audit.record(session, audit.SYSTEM, "member.role_changed", workspace_id=team_id, target=target, data=role)
        changes.tell(session, heir)
    await members.withdraw_what_is_beyond(session, team_id, user_id, None)
    audit.record(session, audit.SYSTEM, "member.removed", workspace_id=team_id, target=("user", user_id))


async def _erase_details_elsewhere(database: Database, user_id: UUID, values: dict[str, Any]) -> None:
    """In all chains but those of the user's own workspaces."""
    words = values["addresses"]
    async with database.transaction() as session:
        await queries.take_time(session)
        targets = await queries.list_targets(session, values)
        chains = await audit.list_chains_about_user(session, user_id, targets=targets, words=words)
    for chain in chains:
        if chain not in values["workspaces"]:
            async with database.transaction() as session:
                await queries.take_time(session)
                await audit.erase_about_user(session, chain, user_id, targets=targets, words=words)


async def _erase_own_details(database: Database, user_id: UUID, workspaces: Sequence[UUID]) -> None:
    for workspace_id in workspaces:
        async with database.transaction() as session:
            await queries.take_time(session)
            await audit.erase_chain(session, workspace_id, about=("user", user_id))


async def _each(database: Database, user_id: UUID, statements: dict[str, str], values: dict[str, Any]) -> None:
    for statement in statements.values():
        async with database.transaction() as session:
            await queries.take_time(session)
            await queries.erase(session, statement, values)
            await queries.put_off(session, user_id, LEASE)


async def _erase_assets(database: Database, tools: AssetTools, user_id: UUID, workspaces: Sequence[UUID]) -> None:
    """Rows and files. Raises DependencyDown when the files cannot be removed now."""
    before: set[UUID] = set()
    while True:
        async with database.transaction() as session:
            await queries.put_off(session, user_id, LEASE)
            found = await queries.list_assets(session, workspaces, ASSETS_AT_ONCE)
        if not found:
            return
        if before >= set(found):
            raise DependencyDown("The file storage cannot be reached just now.")
        before = set(found)
        await assets.discard(tools, database, found)


async def _finish(session: AsyncSession, settings: Settings, user_id: UUID) -> UUID | None:
    """The last mail, and then nobody knows the address any more. The mail's id."""
    user = await users.lock_user(session, user_id)
    erasure = await session.get_one(Erasure, user_id, populate_existing=True)
    if erasure.erased_at is not None:  # by another worker, while this one took longer than its lease
        return erasure.mail_id
    workspace = await users.get_personal_workspace(session, user_id)
    mail_id = None
    if user.email_verified_at is not None:
        _post(session, "account_deleted", user, workspace, expires_at=clock.now() + PATIENCE)
        await session.flush()
        mail_id = await queries.find_mail(session, user.email, "account_deleted")
    audit.record(session, audit.SYSTEM, "account.erased", workspace_id=None, target=("user", user_id))
    await verifying.note_leaving(session, settings, user)
    await queries.erase_user(session, user_id)
    await queries.note_erased(session, user_id, mail_id)
    return mail_id


async def _end(database: Database, user_id: UUID, mail_id: UUID | None, *, is_settled: bool, is_overdue: bool) -> None:
    """Over when the last mail has gone, and all was gone through once more."""
    async with database.transaction() as session:
        if mail_id is not None and not is_overdue and await queries.is_mail_pending(session, mail_id):
            await queries.put_off(session, user_id, AGAIN)
            return
        if mail_id is not None:
            await queries.remove_mail(session, mail_id)
        if not is_settled:
            await queries.put_off(session, user_id, SETTLED)
            return
        await queries.end(session, user_id)
