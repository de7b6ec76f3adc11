"""pauses of a mail backend, and in development the mails that were caught"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de0b0910"
down_revision = "a1c0de0b0930"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_mails_next", "mails", ["attempts", "due_at"], unique=False, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_table(
        "mail_pauses",
        sa.Column("backend", sa.String(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("backend", name=op.f("pk_mail_pauses")),
    )
    op.create_table(
        "caught_mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("to_address", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("text", sa.String(), nullable=False),
        sa.Column("html", sa.String(), nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_caught_mails")),
    )


def downgrade() -> None:
    op.drop_table("caught_mails")
    op.drop_table("mail_pauses")
    op.drop_index("ix_mails_next", table_name="mails", postgresql_where=sa.text("status = 'pending'"))
