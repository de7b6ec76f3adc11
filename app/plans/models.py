"""Plans: what a workspace may have at once."""

from sqlalchemy import CheckConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Base


class Plan(Base):
    """Limits of every workspace with `workspaces.plan` of this name. An operator changes them at run time."""

    __tablename__ = "plans"
    __table_args__ = (CheckConstraint("running_tasks > 0 and queued_tasks > 0", name="limits"),)

    name: Mapped[str] = mapped_column(primary_key=True)
    running_tasks: Mapped[int]
    """Slots: how many tasks of one workspace are worked on at once, in each mode and lane."""
    queued_tasks: Mapped[int]
    """How many may wait besides."""
