"""grants: what credits came from, and when they expire"""

revision = "a1c0de000001"
down_revision = "9c1f5e0a7b34"
branch_labels = None
depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    pass
