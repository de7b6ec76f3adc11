"""what operators say of providers: rows of models, aliases, limits; keys their vendors refuse; probes"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "a1c0de00000a"
down_revision = "a1c0de000009"
branch_labels = None
depends_on = None

WATCHED = ("provider_models", "provider_settings", "model_aliases", "provider_keys")

CHANGED = """
    create function provider_changed() returns trigger language plpgsql as $$
    begin
        update provider_changes set version = version + 1;
        return null;
    end $$
"""


def upgrade() -> None:
    now = sa.text("now()")
    moment = sa.DateTime(timezone=True)
    op.create_table(
        "provider_models",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False, server_default="*"),
        sa.Column("row", JSONB(), nullable=False, server_default="{}"),
        sa.Column("is_enabled", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("updated_at", moment, nullable=False, server_default=now),
        sa.CheckConstraint("jsonb_typeof(row) = 'object'", name=op.f("ck_provider_models_row")),
        sa.PrimaryKeyConstraint("provider", "name", "operation", name=op.f("pk_provider_models")),
    )
    op.create_table(
        "provider_settings",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("is_enabled", sa.Boolean(), nullable=False, server_default="true"),
        sa.Column("requests_per_minute", sa.Integer(), nullable=True),
        sa.Column("jobs_at_once", sa.Integer(), nullable=True),
        sa.Column("updated_at", moment, nullable=False, server_default=now),
        sa.CheckConstraint("requests_per_minute > 0 and jobs_at_once > 0", name=op.f("ck_provider_settings_limits")),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_settings")),
    )
    op.create_table(
        "model_aliases",
        sa.Column("alias", sa.String(), nullable=False),
        sa.Column("position", sa.SmallInteger(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("alias", "position", name=op.f("pk_model_aliases")),
        sa.UniqueConstraint("alias", "provider", "model", name=op.f("uq_model_aliases_alias_provider_model")),
    )
    op.create_table(
        "provider_keys",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("is_broke", sa.Boolean(), nullable=False),
        sa.Column("refused_at", moment, nullable=False, server_default=now),
        sa.Column("probes", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("probed_at", moment, nullable=True),
        sa.Column("probe_at", moment, nullable=False),
        sa.PrimaryKeyConstraint("provider", "key_id", name=op.f("pk_provider_keys")),
    )
    op.create_table(
        "provider_probes",
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("is_healthy", sa.Boolean(), nullable=False),
        sa.Column("detail", sa.String(), nullable=False),
        sa.Column("latency_ms", sa.Integer(), nullable=False),
        sa.Column("probed_at", moment, nullable=False, server_default=now),
        sa.Column("healthy_at", moment, nullable=True),
        sa.PrimaryKeyConstraint("provider", name=op.f("pk_provider_probes")),
    )
    op.create_table(
        "provider_changes",
        sa.Column("id", sa.SmallInteger(), nullable=False, autoincrement=False, server_default="1"),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_provider_changes_only")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_provider_changes")),
    )
    op.execute("insert into provider_changes (version) values (1)")
    op.execute(CHANGED)
    for table in WATCHED:
        op.execute(
            f"create trigger changed after insert or update or delete on {table}"
            " for each row execute function provider_changed()"
        )
        op.execute(
            f"create trigger emptied after truncate on {table} for each statement execute function provider_changed()"
        )


def downgrade() -> None:
    for table in (*WATCHED, "provider_probes", "provider_changes"):
        op.drop_table(table)
    op.execute("drop function provider_changed()")
