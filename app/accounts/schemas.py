"""Who is calling."""

from datetime import datetime
from ipaddress import IPv4Network, IPv6Network
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from app.accounts.models import Mode


class KeyLimits(BaseModel):
    """What holds an API key back besides its scopes."""

    model_config = ConfigDict(frozen=True)

    networks: tuple[IPv4Network | IPv6Network, ...] | None = None
    """Where it may be used from; None: anywhere."""
    operations: frozenset[str] | None = None
    """What it may order; None: everything."""
    rate_limit: int | None = None
    """Requests in a minute."""
    budget_key_id: UUID | None = None
    """The key whose budget its orders count in: its own, or that of the key it was made by."""


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
    ends_at: datetime | None = None
    """Of a key: when the secret that was shown stops by itself."""
    is_superseded: bool = False
    """Of a key: whether that secret was rotated out, and works only until the overlap ends."""
    limits: KeyLimits | None = None
    """None when nothing holds the key back: then nothing is looked at."""

    @property
    def budget_key_id(self) -> UUID | None:
        """The key in whose budget orders count."""
        return self.limits.budget_key_id if self.limits else None
