"""Who is calling."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.accounts.models import Mode


class CallerInfo(BaseModel):
    """Who is calling, and for which workspace: an API key, or a user who is signed in."""

    model_config = ConfigDict(frozen=True)

    workspace_id: UUID
    user_id: UUID
    """Who is signed in; of a key who made it."""
    key_id: UUID | None = None
    session_id: UUID | None = None
    """None for keys, and for tokens of other issuers."""
    confirmed_at: datetime | None = None
    """When the user of the session last proved again who they are."""
    mode: Mode
    scopes: frozenset[str]
    role: str | None = None
    """Of the user in the workspace, a WorkspaceRole; None when a key outlived its maker's membership."""
    is_admin: bool = False
    is_verified: bool = True
    """Whether the user's address is: nobody else spends live credits."""
    is_leaving: bool = False
    """The account is to be erased: until that is taken back it is of no use in any workspace."""
