"""teams get no welcome credits; whether work of a workspace is still open"""

from alembic import op

revision = "a1c0de0b0950"
down_revision = "a1c0de0b0940"
branch_labels = None
depends_on = None

# A user may make teams, so welcome credits for each would be credits for nothing. Test credits cost nobody anything.
LEDGER_OPEN = """
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
LEDGER_OPEN_BEFORE = """
    create or replace function ledger_open(p_workspace uuid, p_mode text, p_welcome bigint, p_reason text)
    returns void language plpgsql as $$
    begin
        insert into credit_accounts (
            workspace_id, mode, balance, held, total_earned, total_spent, entries, created_at)
        values (p_workspace, p_mode, 0, 0, 0, 0, 0, clock_timestamp()) on conflict do nothing;
        if found and p_welcome > 0 then
            perform ledger_grant(
                p_workspace, p_mode, 'grant', p_welcome, p_reason, 'signup:' || p_workspace || ':' || p_mode);
        end if;
    end $$
"""

# Orders take the lock of the credit account first: with the locks of all of them nothing is being ordered just now.
# The queues count what waits and what runs; what is held tells the same, and of nothing that is free of charge.
HAS_OPEN_WORK = """
    create function workspace_has_open_work(p_workspace uuid) returns boolean language plpgsql as $$
    declare
        v_held bigint;
    begin
        select sum(a.held) into v_held from (
            select held from credit_accounts where workspace_id = p_workspace order by mode for update) a;
        return coalesce(v_held, 0) > 0 or exists (
            select 1 from task_queues where workspace_id = p_workspace and (queued > 0 or running > 0));
    end $$
"""


def upgrade() -> None:
    op.execute(LEDGER_OPEN)
    op.execute(HAS_OPEN_WORK)


def downgrade() -> None:
    op.execute("drop function workspace_has_open_work(uuid)")
    op.execute(LEDGER_OPEN_BEFORE)
