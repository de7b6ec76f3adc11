"""Files of a workspace, and where each rendition of them is kept."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core import clock
from app.core.db import Base
from app.core.ids import new_id


class AssetKind(StrEnum):
    IMAGE = "image"
    VIDEO = "video"
    AUDIO = "audio"
    DOCUMENT = "document"


class AssetSource(StrEnum):
    """Sent by the customer, made by a task, or fetched from a URL."""

    UPLOAD = "upload"
    TASK = "task"
    IMPORT = "import"


class AssetStatus(StrEnum):
    """`pending` while its files are being written: only `ready` ones exist for the customer."""

    PENDING = "pending"
    READY = "ready"


def _one_of(column: str, values: type[StrEnum]) -> CheckConstraint:
    names = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} in ({names})", name=column)


class Asset(Base):
    """A file in its renditions. Bytes, type and size are those of the full one; `sha256` is of what was sent.

    A row with `deleted_at` is gone for everyone; it stays until its files are gone too.
    """

    __tablename__ = "assets"
    __table_args__ = (
        CheckConstraint("mode in ('live', 'test')", name="mode"),
        _one_of("kind", AssetKind),
        _one_of("source", AssetSource),
        _one_of("status", AssetStatus),
        Index(
            "ix_assets_newest",
            "workspace_id",
            "mode",
            text("created_at desc"),
            text("id desc"),
            postgresql_where=text("status = 'ready' and deleted_at is null"),
        ),
        Index("ix_assets_task_id", "task_id", postgresql_where=text("task_id is not null")),
        Index("ix_assets_unfinished", "created_at", postgresql_where=text("status = 'pending'")),
        Index("ix_assets_deleted", "deleted_at", postgresql_where=text("deleted_at is not null")),
    )

    id: Mapped[UUID] = mapped_column(primary_key=True, default=new_id)
    workspace_id: Mapped[UUID] = mapped_column(ForeignKey("workspaces.id"))
    mode: Mapped[str]
    kind: Mapped[str] = mapped_column(default=AssetKind.IMAGE)
    source: Mapped[str]
    status: Mapped[str] = mapped_column(default=AssetStatus.PENDING)
    content_type: Mapped[str]
    size: Mapped[int] = mapped_column("bytes", BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration: Mapped[float | None]
    sha256: Mapped[bytes]
    placeholder: Mapped[str | None]
    filename: Mapped[str | None]
    favorite: Mapped[bool] = mapped_column(default=False)
    is_intermediate: Mapped[bool] = mapped_column(default=False)
    task_id: Mapped[UUID | None]
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", JSONB, default=dict)
    created_at: Mapped[datetime] = mapped_column(default=clock.now)
    deleted_at: Mapped[datetime | None]

    files: Mapped[list["AssetFile"]] = relationship(lazy="raise", passive_deletes=True)


class AssetFile(Base):
    """One rendition: noted before it is written, so that nothing is kept that nobody knows of."""

    __tablename__ = "asset_files"
    __table_args__ = (CheckConstraint("rendition in ('full', 'medium', 'thumbnail')", name="rendition"),)

    asset_id: Mapped[UUID] = mapped_column(ForeignKey("assets.id", ondelete="cascade"), primary_key=True)
    rendition: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    content_type: Mapped[str]
    size: Mapped[int] = mapped_column("bytes", BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
