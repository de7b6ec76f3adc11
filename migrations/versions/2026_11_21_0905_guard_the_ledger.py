"""guard the ledger: history cannot be rewritten, a hold resolves once; and the first prices"""

import sqlalchemy as sa
from alembic import op

revision = "9c1f5e0a7b34"
down_revision = "7863b705b6a2"
branch_labels = None
depends_on = None

GUARDS = (
    """
    create function refuse_change() returns trigger language plpgsql as $$
    begin
        raise exception '% is append-only', tg_table_name using errcode = 'restrict_violation';
    end $$
    """,
    """
    create trigger credit_transfers_append_only before update or delete on credit_transfers
        for each row execute function refuse_change()
    """,
    """
    create trigger credit_transfers_no_truncate before truncate on credit_transfers
        for each statement execute function refuse_change()
    """,
    """
    create trigger credit_holds_resolve_once before update on credit_holds
        for each row when (old.status <> 'open' or new.amount <> old.amount or new.task_id <> old.task_id)
        execute function refuse_change()
    """,
    """
    create trigger credit_holds_no_delete before delete on credit_holds
        for each row execute function refuse_change()
    """,
    """
    create trigger credit_holds_no_truncate before truncate on credit_holds
        for each statement execute function refuse_change()
    """,
    """
    alter table credit_transfers enable always trigger credit_transfers_append_only
    """,
    """
    alter table credit_transfers enable always trigger credit_transfers_no_truncate
    """,
    """
    alter table credit_holds enable always trigger credit_holds_resolve_once
    """,
    """
    alter table credit_holds enable always trigger credit_holds_no_delete
    """,
    """
    alter table credit_holds enable always trigger credit_holds_no_truncate
    """,
)

ONE_CREDIT = 1_000_000
OPERATIONS = ("remove_background", "replace_background", "transform_image", "upscale")


def upgrade() -> None:
    for statement in GUARDS:
        op.execute(statement)
    prices = sa.table("prices", *(sa.column(name) for name in ("operation", "provider", "model", "amount")))
    op.bulk_insert(
        prices,
        [
            {"operation": operation, "provider": provider, "model": "*", "amount": ONE_CREDIT}
            for operation in OPERATIONS
            for provider in ("local", "sandbox")
        ],
    )


def downgrade() -> None:
    op.execute("delete from prices")
    for table, triggers in {
        "credit_holds": ("resolve_once", "no_delete", "no_truncate"),
        "credit_transfers": ("append_only", "no_truncate"),
    }.items():
        for trigger in triggers:
            op.execute(f"drop trigger {table}_{trigger} on {table}")
    op.execute("drop function refuse_change()")
