"""privacy: exports and erasures; the audit log's clock runs forwards, and its guards are complete"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de0b0970"
down_revision = "a1c0de0b0960"
branch_labels = None
depends_on = None

# As before, but the time is read when the chain is ours, and never before that of the entry it follows: the order of
# time is the order of the chain, so a reader who pages by time misses nothing that is committed late.
AUDIT_APPEND = """
    create or replace function audit_append(p jsonb) returns void language plpgsql as $$
    declare
        e audit_entries := jsonb_populate_record(null::audit_entries, p);
        d audit_details := jsonb_populate_record(null::audit_details, p);
        last_at timestamptz;
    begin
        d.entry_id := e.id;
        d.salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
        e.details_hash := audit_details_hash(d);
        insert into audit_chains values (e.chain, 0, '') on conflict do nothing;
        select number + 1, hash into e.number, e.previous_hash from audit_chains where chain = e.chain for update;
        select created_at into last_at from audit_entries where chain = e.chain and number = e.number - 1;
        e.created_at := greatest(
            date_trunc('milliseconds', clock_timestamp()), last_at + interval '1 millisecond');
        e.hash := audit_hash(e);
        update audit_chains set number = e.number, hash = e.hash where chain = e.chain;
        insert into audit_entries values (e.*);
        insert into audit_details values (d.*);
    end $$
"""
AUDIT_APPEND_BEFORE = """
    create or replace function audit_append(p jsonb) returns void language plpgsql as $$
    declare
        e audit_entries := jsonb_populate_record(null::audit_entries, p);
        d audit_details := jsonb_populate_record(null::audit_details, p);
    begin
        d.entry_id := e.id;
        d.salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
        e.created_at := date_trunc('milliseconds', clock_timestamp());
        e.details_hash := audit_details_hash(d);
        insert into audit_chains values (e.chain, 0, '') on conflict do nothing;
        select number + 1, hash into e.number, e.previous_hash from audit_chains where chain = e.chain for update;
        e.hash := audit_hash(e);
        update audit_chains set number = e.number, hash = e.hash where chain = e.chain;
        insert into audit_entries values (e.*);
        insert into audit_details values (d.*);
    end $$
"""
GUARDS = (
    """
    create trigger audit_details_no_truncate before truncate on audit_details
        for each statement execute function refuse_change()
    """,
    """
    create trigger audit_chains_no_delete before delete on audit_chains
        for each row execute function refuse_change()
    """,
    """
    create trigger audit_chains_no_truncate before truncate on audit_chains
        for each statement execute function refuse_change()
    """,
    # The end of a chain goes on by one entry at a time.
    """
    create trigger audit_chains_only_grow before update on audit_chains for each row
        when (new.chain <> old.chain or new.number <> old.number + 1) execute function refuse_change()
    """,
    "alter table audit_details enable always trigger audit_details_no_truncate",
    "alter table audit_chains enable always trigger audit_chains_no_delete",
    "alter table audit_chains enable always trigger audit_chains_no_truncate",
    "alter table audit_chains enable always trigger audit_chains_only_grow",
)
DROPPED_GUARDS = {
    "audit_details": ("no_truncate",),
    "audit_chains": ("no_delete", "no_truncate", "only_grow"),
}


def upgrade() -> None:
    op.create_table(
        "exports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status in ('pending', 'ready', 'failed', 'expired')", name=op.f("ck_exports_status")),
        sa.CheckConstraint(
            "(status = 'ready') <= (bytes is not null and expires_at is not null)", name=op.f("ck_exports_ready")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_exports_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exports")),
        sa.UniqueConstraint("key", name=op.f("uq_exports_key")),
    )
    op.create_index(op.f("ix_exports_user_id_created_at"), "exports", ["user_id", "created_at"])
    op.create_index(
        "uq_exports_open", "exports", ["user_id"], unique=True, postgresql_where=sa.text("status = 'pending'")
    )
    op.create_index("ix_exports_due", "exports", ["due_at"], postgresql_where=sa.text("status = 'pending'"))
    op.create_index("ix_exports_expires", "exports", ["expires_at"], postgresql_where=sa.text("status = 'ready'"))
    op.create_table(
        "erasures",
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mail_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_erasures_user_id_users")),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_erasures")),
    )
    op.create_index("ix_erasures_due", "erasures", ["due_at"], postgresql_where=sa.text("ended_at is null"))
    op.create_index(
        "ix_audit_entries_everywhere",
        "audit_entries",
        [sa.literal_column("created_at desc"), sa.literal_column("id desc")],
    )
    for statement in (AUDIT_APPEND, *GUARDS):
        op.execute(statement)


def downgrade() -> None:
    for table, triggers in DROPPED_GUARDS.items():
        for trigger in triggers:
            op.execute(f"drop trigger {table}_{trigger} on {table}")
    op.execute(AUDIT_APPEND_BEFORE)
    op.drop_index("ix_audit_entries_everywhere", "audit_entries")
    op.drop_table("erasures")
    op.drop_table("exports")
