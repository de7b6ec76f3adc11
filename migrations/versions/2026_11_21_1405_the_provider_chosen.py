"""a task's provider is the one its route was chosen for, also while another does a part of it"""

from alembic import op

revision = "a1c0de000008"
down_revision = "a1c0de000007"
branch_labels = None
depends_on = None

PLANNER = """
    set enable_seqscan to off
    set enable_hashjoin to off
    set enable_mergejoin to off
"""
BEGIN_ATTEMPTS = """
create or replace function begin_attempts(p_items jsonb) returns setof uuid language plpgsql {planner} as $$
begin
    perform lock_tasks(p_items);
    perform lock_batches(p_items);
    return query
    with ours as materialized (
        select x.*, t.workspace_id, t.mode, t.batch_id
        from jsonb_to_recordset(p_items) as x (
            task_id uuid, fence int, attempt_id uuid, run int, "position" int, part int, provider text, model text,
            started_at timestamptz, event_id uuid, event text, data jsonb{columns})
        join tasks t on t.id = x.task_id
        where t.fence = x.fence and t.status in ('processing', 'reconciling')
    ), begun as (
        insert into task_attempts (id, task_id, run, position, part, provider, model, status, started_at)
        select attempt_id, task_id, run, position, part, provider, model, 'submitting', started_at from ours
        on conflict (id) do nothing
    ), stepped as (
        update task_steps s set status = 'processing', started_at = coalesce(s.started_at, ours.started_at)
        from ours where s.task_id = ours.task_id and s.position = ours.position
    ), told as (
        insert into events (id, workspace_id, mode, type, task_id, batch_id, data, created_at)
        select event_id, workspace_id, mode, event, task_id, batch_id, data, started_at from ours
        where event_id is not null on conflict (id) do nothing
    )
    update tasks t set status = 'processing', provider = {provider}, version = t.version + 1
    from ours where t.id = ours.task_id returning ours.attempt_id;
end $$
"""


def upgrade() -> None:
    chosen = {"columns": ", chosen text", "provider": "coalesce(ours.chosen, ours.provider)"}
    op.execute(BEGIN_ATTEMPTS.format(planner=PLANNER, **chosen))


def downgrade() -> None:
    op.execute(BEGIN_ATTEMPTS.format(planner=PLANNER, columns="", provider="ours.provider"))
