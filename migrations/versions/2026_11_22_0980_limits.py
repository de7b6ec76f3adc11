"""welcome credits once for each mailbox; sign_in_begin locks its buckets in the order of their keys"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de0b0980"
down_revision = "a1c0de0b0970"
branch_labels = None
depends_on = None

# As before, but live credits of a personal workspace wait until its owner's address is verified, when it is known
# whether the mailbox had some before. Who has no mailbox has nothing to wait for. Without a workspace it is the
# ledger's own affair.
LEDGER_OPEN = """
    create or replace function ledger_open(p_workspace uuid, p_mode text, p_welcome bigint, p_reason text)
    returns void language plpgsql as $$
    declare
        v_is_due boolean := true;  -- null: that is to be seen
    begin
        if p_mode = 'live' then
            select case when w.kind = 'team' or u.no_welcome then false
                        when u.email_verified_at is not null or u.canonical_email is null then true end
                into v_is_due from workspaces w left join users u on u.id = w.owner_id where w.id = p_workspace;
            if not found then
                v_is_due := true;
            end if;
        end if;
        insert into credit_accounts (
            workspace_id, mode, balance, held, total_earned, total_spent, entries, created_at, awaits_welcome)
        values (p_workspace, p_mode, 0, 0, 0, 0, 0, clock_timestamp(), v_is_due is null) on conflict do nothing;
        if not found and v_is_due is not null then
            update credit_accounts set awaits_welcome = false
                where workspace_id = p_workspace and mode = p_mode and awaits_welcome;
        end if;
        if found and v_is_due and p_welcome > 0 then
            perform ledger_grant(
                p_workspace, p_mode, 'grant', p_welcome, p_reason, 'signup:' || p_workspace || ':' || p_mode);
        end if;
    end $$
"""
LEDGER_OPEN_BEFORE = """
    create or replace function ledger_open(p_workspace uuid, p_mode text, p_welcome bigint, p_reason text)
    returns void language plpgsql as $$
    begin
        insert into credit_accounts (
            workspace_id, mode, balance, held, total_earned, total_spent, entries, created_at)
        values (p_workspace, p_mode, 0, 0, 0, 0, 0, clock_timestamp()) on conflict do nothing;
        if found and p_welcome > 0 and (p_mode = 'test' or not exists (
                select 1 from workspaces where id = p_workspace and kind = 'team')) then
            perform ledger_grant(
                p_workspace, p_mode, 'grant', p_welcome, p_reason, 'signup:' || p_workspace || ':' || p_mode);
        end if;
    end $$
"""

# Who orders opens the account where it awaits its credits, as where there is none: by the same look at the same row.
IN_SUBMIT_TASKS = (
    (
        "where a.workspace_id = o.workspace_id and a.mode = o.mode for update;\n        if not found then",
        "where a.workspace_id = o.workspace_id and a.mode = o.mode\n            and not a.awaits_welcome for update;\n"
        "        if not found then",
    ),
)
IN_SUBMIT_BATCH = (
    (
        "where a.workspace_id = b.workspace_id and a.mode = b.mode for update;\n    if not found then",
        "where a.workspace_id = b.workspace_id and a.mode = b.mode\n        and not a.awaits_welcome for update;\n"
        "    if not found then",
    ),
)

# Who takes back, or takes, several buckets locks them in the order of their keys: so does an attempt to sign in, before
# it looks at the first of its two.
SIGN_IN = "sign_in_begin(bytea, int, float8, bytea, int, bytea, int, float8, int, bool)"
IN_SIGN_IN = (
    (
        "        if not is_known then\n            if p_network is not null then",
        """        if not is_known then
            perform throttle_lock(array[p_network, case when not p_is_human then p_account end]);
            if p_network is not null then""",
    ),
)
THROTTLE_LOCK = """
    create function throttle_lock(p_keys bytea[]) returns void language plpgsql as $$
    declare
        one bytea;
    begin
        for one in select key from unnest(p_keys) as wanted(key) where key is not null order by key loop
            insert into throttles (key, full_at) values (one, clock_timestamp())
                on conflict (key) do update set full_at = throttles.full_at;
        end loop;
    end $$
"""


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


def upgrade() -> None:
    op.create_table(
        "welcomed_mailboxes",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_welcomed_mailboxes")),
    )
    op.add_column("users", sa.Column("no_welcome", sa.Boolean(), server_default="false", nullable=False))
    op.add_column("credit_accounts", sa.Column("awaits_welcome", sa.Boolean(), server_default="false", nullable=False))
    # Mail never reaches them: there is no mailbox.
    op.execute("update users set canonical_email = null where canonical_email like '%@users.invalid'")
    op.execute(LEDGER_OPEN)
    _replace("submit_tasks(jsonb)", IN_SUBMIT_TASKS)
    _replace("submit_batch(jsonb, jsonb, jsonb)", IN_SUBMIT_BATCH)
    op.execute(THROTTLE_LOCK)
    _replace(SIGN_IN, IN_SIGN_IN)


def downgrade() -> None:
    _replace(SIGN_IN, _backwards(IN_SIGN_IN))
    op.execute("drop function throttle_lock(bytea[])")
    _replace("submit_batch(jsonb, jsonb, jsonb)", _backwards(IN_SUBMIT_BATCH))
    _replace("submit_tasks(jsonb)", _backwards(IN_SUBMIT_TASKS))
    op.execute(LEDGER_OPEN_BEFORE)
    # Those that still await their credits are opened anew, with them, when they are looked at again.
    op.execute("""
        delete from credit_accounts a where awaits_welcome and entries = 0 and not exists (
            select 1 from credit_holds h where h.workspace_id = a.workspace_id and h.mode = a.mode)
    """)
    op.drop_column("credit_accounts", "awaits_welcome")
    op.drop_column("users", "no_welcome")
    op.drop_table("welcomed_mailboxes")
