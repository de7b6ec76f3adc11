"""sign-ins at providers that are under way; links that prove whose identity it is"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de0b0940"
down_revision = "a1c0de0b0910"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "oauth_attempts",
        sa.Column("secret_hash", sa.LargeBinary(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("redirect_to", sa.String(), nullable=True),
        sa.Column("cookies", sa.Boolean(), nullable=False),
        sa.Column("challenge", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("purpose in ('sign_in', 'link')", name=op.f("ck_oauth_attempts_purpose")),
        sa.PrimaryKeyConstraint("secret_hash", name=op.f("pk_oauth_attempts")),
    )
    op.create_index(op.f("ix_oauth_attempts_expires_at"), "oauth_attempts", ["expires_at"], unique=False)
    op.create_table(
        "oauth_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("challenge", sa.String(), nullable=False),
        sa.Column("identity_id", sa.Uuid(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("subject", sa.String(), nullable=True),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(identity_id is null) = (issuer is not null and subject is not null)",
            name=op.f("ck_oauth_codes_stands_for_one"),
        ),
        sa.ForeignKeyConstraint(
            ["identity_id"],
            ["identities.id"],
            name=op.f("fk_oauth_codes_identity_id_identities"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_oauth_codes")),
    )
    op.create_index(op.f("ix_oauth_codes_expires_at"), "oauth_codes", ["expires_at"], unique=False)
    op.create_index(op.f("ix_oauth_codes_identity_id"), "oauth_codes", ["identity_id"], unique=False)

    op.add_column("proofs", sa.Column("issuer", sa.String(), nullable=True))
    op.add_column("proofs", sa.Column("subject", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("proofs", "subject")
    op.drop_column("proofs", "issuer")
    op.drop_table("oauth_codes")
    op.drop_table("oauth_attempts")
