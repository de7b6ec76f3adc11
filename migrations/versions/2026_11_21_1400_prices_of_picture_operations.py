"""prices of what the sandbox rehearses besides"""

from alembic import op

revision = "a1c0de000007"
down_revision = "a1c0de000006"
branch_labels = None
depends_on = None

OPERATIONS = ("image_to_image", "inpaint", "outpaint", "edit_image")


def upgrade() -> None:
    for operation in OPERATIONS:
        op.execute(
            f"insert into prices (operation, provider, model, amount) values ('{operation}', 'sandbox', '*', 1000000)"
            " on conflict do nothing"
        )


def downgrade() -> None:
    for operation in OPERATIONS:
        op.execute(f"delete from prices where operation = '{operation}' and provider = 'sandbox'")
