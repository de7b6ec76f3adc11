"""Tables of what an operator says of providers at run time, and of what was found out about them."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, SmallInteger, UniqueConstraint, func, text
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class ProviderModel(Base):
    """What is to be otherwise in the row of a model, or the whole row of one the provider's own rows do not have.

    `operation` is `*`, for all the model does, or one: the same name may stand for several of the vendor's models.
    """

    __tablename__ = "provider_models"
    __table_args__ = (CheckConstraint("jsonb_typeof(row) = 'object'", name="row"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(primary_key=True)
    operation: Mapped[str] = mapped_column(primary_key=True, server_default="*")
    row: Mapped[dict[str, Any]] = mapped_column(server_default="{}")
    is_enabled: Mapped[bool] = mapped_column(server_default="true")
    """False: sold no more. What was ordered is finished."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class ProviderSetting(Base):
    """A limit that is null is the one of the provider's file."""

    __tablename__ = "provider_settings"
    __table_args__ = (CheckConstraint("requests_per_minute > 0 and jobs_at_once > 0", name="limits"),)

    provider: Mapped[str] = mapped_column(primary_key=True)
    is_enabled: Mapped[bool] = mapped_column(server_default="true")
    requests_per_minute: Mapped[int | None]
    jobs_at_once: Mapped[int | None]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class ModelAlias(Base):
    """One way of those a name stands for, in the order of their positions."""

    __tablename__ = "model_aliases"
    __table_args__ = (UniqueConstraint("alias", "provider", "model"),)

    alias: Mapped[str] = mapped_column(primary_key=True)
    position: Mapped[int] = mapped_column(SmallInteger, primary_key=True)
    provider: Mapped[str]
    model: Mapped[str]


class ProviderKey(Base):
    """A key its vendor refuses: used by no process until a probe finds that it works again."""

    __tablename__ = "provider_keys"

    provider: Mapped[str] = mapped_column(primary_key=True)
    key_id: Mapped[str] = mapped_column(primary_key=True)
    """No secret: see `keys.Key`."""
    reason: Mapped[str]
    is_broke: Mapped[bool]
    refused_at: Mapped[datetime] = mapped_column(server_default=func.now())
    probes: Mapped[int] = mapped_column(server_default="0")
    probed_at: Mapped[datetime | None]
    probe_at: Mapped[datetime]
    """When it is to be probed next."""


class ProviderProbe(Base):
    """What came of the last probe. `detail` is for the operator's eyes: an account, a balance."""

    __tablename__ = "provider_probes"

    provider: Mapped[str] = mapped_column(primary_key=True)
    is_healthy: Mapped[bool]
    detail: Mapped[str]
    latency_ms: Mapped[int]
    probed_at: Mapped[datetime] = mapped_column(server_default=func.now())
    healthy_at: Mapped[datetime | None]


class ProviderChange(Base):
    """One row, whose version grows with each change of the tables above but the probes, by trigger."""

    __tablename__ = "provider_changes"
    __table_args__ = (CheckConstraint("id = 1", name="only"),)

    id: Mapped[int] = mapped_column(SmallInteger, primary_key=True, autoincrement=False, server_default=text("1"))
    version: Mapped[int] = mapped_column(BigInteger)
