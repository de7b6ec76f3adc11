"""what an API key is held back by: addresses, operations, requests a minute, a budget; a second secret for a while"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de0b0960"
down_revision = "a1c0de0b0950"
branch_labels = None
depends_on = None

# A budget's row is changed under the lock of its key's credit account, which every movement of credits takes first: so
# it adds no order of locks of its own. What counts in a budget is told by the hold: which budget, and in which round of
# it. A new round begins with each period, and when the period is another; what was ordered before no longer counts.
FUNCTIONS = (
    """
    create function budget_start(p_period text, p_at timestamptz) returns timestamptz
    language sql immutable parallel safe as $$
        select case p_period when 'total' then timestamptz 'epoch'
                             else date_trunc(p_period, p_at at time zone 'utc') at time zone 'utc' end
    $$
    """,
    """
    -- What is left of the budget now, perhaps less than nothing; NULL: there is no budget. Its row is locked, and a
    -- period that is over is closed.
    create function budget_left(p_key uuid) returns bigint language plpgsql set enable_seqscan = off as $$
    declare
        b key_budgets;
        v_start timestamptz;
    begin
        select * into b from key_budgets where key_id = p_key and credits is not null for no key update;
        if not found then
            return null;
        end if;
        v_start := budget_start(b.period, clock_timestamp());
        if v_start > b.started_at then
            update key_budgets set started_at = v_start, round = round + 1, spent = 0 where key_id = p_key;
            return b.credits;
        end if;
        return b.credits - b.spent;
    end $$
    """,
    """
    -- Count a hold in the budget: the round it counts in, or NULL when there is no budget. Free orders always pass.
    create function budget_take(p_key uuid, p_amount bigint) returns int
    language plpgsql set enable_seqscan = off as $$
    declare
        v_left bigint := budget_left(p_key);
        v_round int;
    begin
        if v_left is null then
            return null;
        elsif p_amount > 0 and p_amount > v_left then
            raise exception using errcode = 'BB002', message = 'the budget of the key does not cover it';
        end if;
        update key_budgets set spent = spent + p_amount where key_id = p_key returning round into v_round;
        return v_round;
    end $$
    """,
    """
    -- What a hold no longer keeps, because it was released, captured in part or refunded, is there to be spent again.
    create function count_in_budget() returns trigger language plpgsql set enable_seqscan = off as $$
    begin
        update key_budgets set spent = spent
            - case old.status when 'open' then old.amount else old.captured - old.refunded end
            + case new.status when 'open' then new.amount else new.captured - new.refunded end
            where key_id = new.budget_key_id and round = new.budget_round;
        return null;
    end $$
    """,
    """
    create trigger credit_holds_count_in_budget after update on credit_holds for each row
        when (new.budget_key_id is not null) execute function count_in_budget()
    """,
    "alter table credit_holds enable always trigger credit_holds_count_in_budget",
)

RESOLVE_ONCE = """
    create trigger credit_holds_resolve_once before update on credit_holds for each row when (
        (new.id, new.workspace_id, new.mode, new.task_id, new.amount, new.grant_ids, new.grant_amounts,
         new.created_at{columns_new})
            is distinct from
        (old.id, old.workspace_id, old.mode, old.task_id, old.amount, old.grant_ids, old.grant_amounts,
         old.created_at{columns_old})
        or new.refunded < old.refunded
        or old.status <> 'open' and
            (new.status, new.captured, new.resolved_at) is distinct from (old.status, old.captured, old.resolved_at))
        execute function refuse_change()
"""

# The functions of an order are long, and others may change them too. So of each only these places are replaced in its
# text as it is now, each of which must be there once.
HOLD = "ledger_hold(uuid, text, uuid, bigint, uuid)"
HOLD_WITH_BUDGET = "ledger_hold(uuid, text, uuid, bigint, uuid, uuid)"
IN_HOLD = (
    (
        "p_hold uuid DEFAULT NULL::uuid)",
        "p_hold uuid DEFAULT NULL::uuid, p_budget_key uuid DEFAULT NULL::uuid)",
    ),
    ("        g record;\n    begin", "        g record;\n        v_round int;\n    begin"),
    (
        "        insert into credit_holds (",
        """        if p_budget_key is not null then
            v_round := budget_take(p_budget_key, p_amount);
        end if;
        insert into credit_holds (""",
    ),
    (
        "grant_ids, grant_amounts, created_at)\n        values",
        "grant_ids, grant_amounts, created_at,\n            budget_key_id, budget_round)\n        values",
    ),
    (
        "            clock_timestamp());\n        return v_balance;",
        """            clock_timestamp(),
            case when v_round is not null then p_budget_key end, v_round);
        return v_balance;""",
    ),
)
IN_SUBMIT_TASKS = (
    (
        "            perform ledger_open(o.workspace_id, o.mode, o.welcome, o.welcome_reason);\n",
        # Where another has opened it meanwhile it is not ours yet, and the budget's row comes after it.
        """            perform ledger_open(o.workspace_id, o.mode, o.welcome, o.welcome_reason);
            perform 1 from credit_accounts a where a.workspace_id = o.workspace_id and a.mode = o.mode for update;
""",
    ),
    (
        "welcome bigint, welcome_reason text)\n        order by",
        "welcome bigint, welcome_reason text,\n            budget_key uuid)\n        order by",
    ),
    (
        "        if outcome is null then\n"
        "            v_left := ledger_hold(o.workspace_id, o.mode, o.id, o.quoted, o.hold_id);",
        """        if outcome is null and o.budget_key is not null
            and o.quoted > 0 and o.quoted > budget_left(o.budget_key)
        then
            outcome := 'budget_exceeded';
        end if;
        if outcome is null then
            v_left := ledger_hold(o.workspace_id, o.mode, o.id, o.quoted, o.hold_id, o.budget_key);""",
    ),
)
IN_SUBMIT_BATCH = (
    (
        "welcome bigint,\n        welcome_reason text);",
        "welcome bigint,\n        welcome_reason text, budget_key uuid);",
    ),
    (
        "    insert into batches (",
        """    if b.budget_key is not null and (
        select sum(x.quoted) > 0 and sum(x.quoted) > budget_left(b.budget_key)
        from jsonb_to_recordset(p_orders) as x (quoted bigint))
    then
        outcome := 'budget_exceeded';
        return next;
        return;
    end if;
    insert into batches (""",
    ),
)


def _replace(signature: str, places: tuple[tuple[str, str], ...]) -> None:
    """Make the function anew with these places replaced."""
    pairs = ", ".join(f"[$old${old}$old$, $new${new}$new$]" for old, new in places)
    op.execute(f"""
        do $do$
        declare
            definition text := pg_get_functiondef('{signature}'::regprocedure);
            pair text[];
        begin
            foreach pair slice 1 in array array[{pairs}] loop
                if (length(definition) - length(replace(definition, pair[1], ''))) / length(pair[1]) <> 1 then
                    raise exception 'not once in {signature}: %', pair[1];
                end if;
                definition := replace(definition, pair[1], pair[2]);
            end loop;
            execute definition;
        end $do$
    """)


def _backwards(places: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    return tuple((new, old) for old, new in reversed(places))


def _guard(columns: tuple[str, ...]) -> None:
    op.execute("drop trigger credit_holds_resolve_once on credit_holds")
    new, old = ("".join(f", {row}.{column}" for column in columns) for row in ("new", "old"))
    op.execute(RESOLVE_ONCE.format(columns_new=new, columns_old=old))
    op.execute("alter table credit_holds enable always trigger credit_holds_resolve_once")


def upgrade() -> None:
    op.create_table(
        "key_budgets",
        sa.Column("key_id", sa.Uuid(), nullable=False),
        sa.Column("credits", sa.BigInteger(), nullable=True),
        sa.Column("period", sa.String(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("round", sa.Integer(), nullable=False),
        sa.Column("spent", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("period in ('total', 'day', 'month')", name=op.f("ck_key_budgets_period")),
        sa.CheckConstraint("credits > 0", name=op.f("ck_key_budgets_credits")),
        sa.CheckConstraint("spent >= 0", name=op.f("ck_key_budgets_spent")),
        sa.ForeignKeyConstraint(
            ["key_id"], ["api_keys.id"], name=op.f("fk_key_budgets_key_id_api_keys"), ondelete="cascade"
        ),
        sa.PrimaryKeyConstraint("key_id", name=op.f("pk_key_budgets")),
    )
    op.execute("alter table key_budgets set (fillfactor = 50)")  # the sum changes with each order
    op.add_column("api_keys", sa.Column("allowed_ips", sa.ARRAY(sa.String()), nullable=True))
    op.add_column("api_keys", sa.Column("allowed_operations", sa.ARRAY(sa.String()), nullable=True))
    op.add_column("api_keys", sa.Column("rate_limit", sa.Integer(), nullable=True))
    op.add_column("api_keys", sa.Column("budget_key_id", sa.Uuid(), nullable=True))
    op.add_column("api_keys", sa.Column("previous_secret_hash", sa.LargeBinary(), nullable=True))
    op.add_column("api_keys", sa.Column("previous_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("api_keys", sa.Column("last_used_ip", sa.String(), nullable=True))
    op.create_check_constraint(
        op.f("ck_api_keys_previous"), "api_keys", "(previous_secret_hash is null) = (previous_until is null)"
    )
    op.create_check_constraint(op.f("ck_api_keys_rate_limit"), "api_keys", "rate_limit > 0")
    op.add_column("credit_holds", sa.Column("budget_key_id", sa.Uuid(), nullable=True))
    op.add_column("credit_holds", sa.Column("budget_round", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_credit_holds_budget"), "credit_holds", "(budget_key_id is null) = (budget_round is null)"
    )
    for statement in FUNCTIONS:
        op.execute(statement)
    _guard(("budget_key_id", "budget_round"))
    _replace(HOLD, IN_HOLD)
    op.execute(f"drop function {HOLD}")
    _replace("submit_tasks(jsonb)", IN_SUBMIT_TASKS)
    _replace("submit_batch(jsonb, jsonb, jsonb)", IN_SUBMIT_BATCH)


def downgrade() -> None:
    _replace("submit_batch(jsonb, jsonb, jsonb)", _backwards(IN_SUBMIT_BATCH))
    _replace("submit_tasks(jsonb)", _backwards(IN_SUBMIT_TASKS))
    _replace(HOLD_WITH_BUDGET, _backwards(IN_HOLD))
    op.execute(f"drop function {HOLD_WITH_BUDGET}")
    _guard(())
    op.execute("drop trigger credit_holds_count_in_budget on credit_holds")
    op.execute("drop function count_in_budget()")
    op.execute("drop function budget_take(uuid, bigint)")
    op.execute("drop function budget_left(uuid)")
    op.execute("drop function budget_start(text, timestamptz)")
    for column in ("budget_key_id", "budget_round"):
        op.drop_column("credit_holds", column)
    for column in (
        "allowed_ips",
        "allowed_operations",
        "rate_limit",
        "budget_key_id",
        "previous_secret_hash",
        "previous_until",
        "rotated_at",
        "last_used_ip",
    ):
        op.drop_column("api_keys", column)
    op.drop_table("key_budgets")
