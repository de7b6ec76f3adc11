"""Rules of what users see and change of themselves."""

from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from app.accounts.errors import WorkspaceNotFound
from app.accounts.keys import service as keys
from app.accounts.me import preferences, queries
from app.accounts.me.schemas import MeRead, MeUpdate, SeatRead
from app.accounts.schemas import CallerInfo
from app.accounts.users import queries as users
from app.accounts.users.schemas import UserRead
from app.accounts.workspaces import queries as workspaces

MOST_SEATS = 100


async def get_me(session: AsyncSession, caller: CallerInfo) -> MeRead:
    """Raises WorkspaceNotFound when the workspace was deleted just now."""
    user = await users.get_user(session, caller.user_id)
    here = await workspaces.find_seat(session, caller.workspace_id, caller.user_id)
    if here is None:
        raise WorkspaceNotFound
    key = await keys.get_key(session, caller, caller.key_id) if caller.key_id else None
    seats = [here] if caller.key_id else await queries.list_seats(session, caller.user_id, MOST_SEATS)
    return MeRead(
        **UserRead.model_validate(user).model_dump(),
        has_password=user.password_hash is not None,
        workspace=SeatRead.model_validate(here),
        workspaces=[SeatRead.model_validate(seat) for seat in seats],
        api_key=key,
    )


async def update_me(session: AsyncSession, caller: CallerInfo, change: MeUpdate) -> None:
    """What the change names."""
    user = await users.lock_user(session, caller.user_id)
    for name in change.model_fields_set:
        setattr(user, name, getattr(change, name))


async def get_preferences(session: AsyncSession, caller: CallerInfo) -> dict[str, Any]:
    return (await users.get_user(session, caller.user_id)).preferences


async def put_preferences(session: AsyncSession, caller: CallerInfo, value: dict[str, Any]) -> None:
    """All of them anew. Raises InvalidRequest."""
    preferences.check(value)
    user = await users.lock_user(session, caller.user_id)
    user.preferences = value
