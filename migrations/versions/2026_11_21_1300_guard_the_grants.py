"""grants: what credits came from, and when they expire; what a hold took from each"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de000001"
down_revision = "9c1f5e0a7b34"
branch_labels = None
depends_on = None

SUM_OF = """
    create function sum_of(bigint[]) returns bigint language sql immutable strict parallel safe as $$
        select coalesce(sum(part), 0)::bigint from unnest($1) part
    $$
"""

# What was there before: one grant for each account, which all its holds took from.
CARRY_OVER = (
    """
    insert into credit_grants (
        id, workspace_id, mode, kind, amount, remaining, expired, priority, reason, reference, created_at)
    select gen_random_uuid(), workspace_id, mode, 'grant', balance + held + total_spent, balance, 0, 0,
           'Credits from before grants', 'before-grants:' || workspace_id || ':' || mode, created_at
    from credit_accounts where balance + held + total_spent > 0
    """,
    """
    update credit_holds h set grant_ids = array[g.id], grant_amounts = array[h.amount]
    from credit_grants g where g.workspace_id = h.workspace_id and g.mode = h.mode and h.amount > 0
    """,
)

RESOLVE_ONCE = """
    create trigger credit_holds_resolve_once before update on credit_holds
        for each row when ({}) execute function refuse_change()
"""
RESOLVE_ONCE_BEFORE = RESOLVE_ONCE.format(
    "old.status <> 'open' or new.amount <> old.amount or new.task_id <> old.task_id"
)
GUARDS = (
    RESOLVE_ONCE.format(
        """
        (new.id, new.workspace_id, new.mode, new.task_id, new.amount, new.grant_ids, new.grant_amounts, new.created_at)
            is distinct from
        (old.id, old.workspace_id, old.mode, old.task_id, old.amount, old.grant_ids, old.grant_amounts, old.created_at)
        or new.refunded < old.refunded
        or old.status <> 'open' and
            (new.status, new.captured, new.resolved_at) is distinct from (old.status, old.captured, old.resolved_at)
        """
    ),
    "alter table credit_holds enable always trigger credit_holds_resolve_once",
    """
    create trigger credit_grants_keep_terms before update on credit_grants for each row when (
        (new.id, new.workspace_id, new.mode, new.kind, new.amount, new.reason, new.reference, new.created_at)
            is distinct from
        (old.id, old.workspace_id, old.mode, old.kind, old.amount, old.reason, old.reference, old.created_at)
        or new.expired < old.expired)
        execute function refuse_change()
    """,
    """
    create trigger credit_grants_no_delete before delete on credit_grants
        for each row execute function refuse_change()
    """,
    """
    create trigger credit_grants_no_truncate before truncate on credit_grants
        for each statement execute function refuse_change()
    """,
    "alter table credit_grants enable always trigger credit_grants_keep_terms",
    "alter table credit_grants enable always trigger credit_grants_no_delete",
    "alter table credit_grants enable always trigger credit_grants_no_truncate",
)


def upgrade() -> None:
    op.create_table(
        "credit_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("remaining", sa.BigInteger(), nullable=False),
        sa.Column("expired", sa.BigInteger(), nullable=False),
        sa.Column("live", sa.Boolean(), sa.Computed("remaining > 0", persisted=True), nullable=False),
        sa.Column("priority", sa.SmallInteger(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind in ('grant', 'purchase')", name=op.f("ck_credit_grants_kind")),
        sa.CheckConstraint("amount > 0", name=op.f("ck_credit_grants_amount")),
        sa.CheckConstraint(
            "remaining >= 0 and expired >= 0 and remaining + expired <= amount", name=op.f("ck_credit_grants_remaining")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id", "mode"],
            ["credit_accounts.workspace_id", "credit_accounts.mode"],
            name=op.f("fk_credit_grants_workspace_id_mode_credit_accounts"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credit_grants")),
        sa.UniqueConstraint("reference", "kind", name=op.f("uq_credit_grants_reference_kind")),
    )
    # `live` rather than `remaining > 0`: a column in an index's condition may not change in place (HOT).
    op.create_index(
        "ix_credit_grants_burn_order",
        "credit_grants",
        ["workspace_id", "mode", "priority", "expires_at", "created_at", "id"],
        postgresql_where=sa.text("live"),
    )
    op.add_column("credit_accounts", sa.Column("next_expiry_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_credit_accounts_next_expiry_at",
        "credit_accounts",
        ["next_expiry_at"],
        postgresql_where=sa.text("next_expiry_at is not null"),
    )
    op.execute("alter table credit_grants set (fillfactor = 70)")
    op.execute("alter table credit_accounts set (fillfactor = 70)")
    op.execute("drop trigger credit_holds_resolve_once on credit_holds")
    op.add_column("credit_holds", sa.Column("refunded", sa.BigInteger(), server_default="0", nullable=False))
    op.add_column("credit_holds", sa.Column("grant_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    op.add_column(
        "credit_holds", sa.Column("grant_amounts", sa.ARRAY(sa.BigInteger()), server_default="{}", nullable=False)
    )
    op.execute(SUM_OF)
    for statement in (*CARRY_OVER, *GUARDS):
        op.execute(statement)
    op.create_check_constraint(op.f("ck_credit_holds_refunded"), "credit_holds", "refunded between 0 and captured")
    op.create_check_constraint(
        op.f("ck_credit_holds_parts"),
        "credit_holds",
        # The usual case first: calling the function costs more than the rest of the row.
        "cardinality(grant_ids) = cardinality(grant_amounts) and amount = case cardinality(grant_ids) "
        "when 0 then 0 when 1 then grant_amounts[1] else sum_of(grant_amounts) end",
    )


def downgrade() -> None:
    op.execute("drop trigger credit_holds_resolve_once on credit_holds")
    for name in ("refunded", "grant_ids", "grant_amounts"):
        op.drop_column("credit_holds", name)
    op.execute(RESOLVE_ONCE_BEFORE)
    op.execute("alter table credit_holds enable always trigger credit_holds_resolve_once")
    op.execute("drop function sum_of(bigint[])")
    op.drop_index("ix_credit_accounts_next_expiry_at", "credit_accounts")
    op.drop_column("credit_accounts", "next_expiry_at")
    op.drop_table("credit_grants")
