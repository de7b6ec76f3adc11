"""prices of text_to_image in the sandbox; when providers called back"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de000006"
down_revision = "a1c0de000005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("task_attempts", sa.Column("callbacks", sa.Integer(), server_default="0", nullable=False))
    op.add_column("task_attempts", sa.Column("called_back_at", sa.DateTime(timezone=True), nullable=True))
    op.execute(
        "insert into prices (operation, provider, model, amount) values ('text_to_image', 'sandbox', '*', 1000000)"
        " on conflict do nothing"
    )


def downgrade() -> None:
    op.execute("delete from prices where operation = 'text_to_image' and provider = 'sandbox'")
    op.drop_column("task_attempts", "called_back_at")
    op.drop_column("task_attempts", "callbacks")
