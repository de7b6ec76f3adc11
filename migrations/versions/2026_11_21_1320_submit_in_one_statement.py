"""an order in one statement"""

revision = "a1c0de000003"
down_revision = "a1c0de0000a2"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
