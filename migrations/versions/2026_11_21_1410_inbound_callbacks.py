"""what providers sent when they called back"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de000009"
down_revision = "a1c0de000008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "inbound_callbacks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("attempt_id", sa.Uuid(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("body_bytes", sa.Integer(), nullable=False),
        sa.Column("content_type", sa.String(), nullable=True),
        sa.Column("deliveries", sa.Integer(), server_default="1", nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("octet_length(body) <= 65536", name=op.f("ck_inbound_callbacks_body")),
        sa.ForeignKeyConstraint(
            ["attempt_id"],
            ["task_attempts.id"],
            name=op.f("fk_inbound_callbacks_attempt_id_task_attempts"),
            ondelete="cascade",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbound_callbacks")),
        sa.UniqueConstraint("attempt_id", "digest", name=op.f("uq_inbound_callbacks_attempt_id_digest")),
    )
    op.create_index(op.f("ix_inbound_callbacks_received_at"), "inbound_callbacks", ["received_at"])


def downgrade() -> None:
    op.drop_table("inbound_callbacks")
