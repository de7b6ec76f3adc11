"""how long tasks take: history by operation, model and size, and when a waiting one may begin"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de000012"
down_revision = "a1c0de000002"
branch_labels = None
depends_on = None

# When a task with this place in its queue begins, as far as can be known: the free slots are filled now, and then one
# round of as many as there are slots after another. Counted from the queue's last service, so that the answer changes
# only when the queue moves.
ESTIMATED_START = """
create function estimated_start(
    p_place bigint, p_slots int, p_running int, p_served_at timestamptz, p_created_at timestamptz, p_seconds int)
returns timestamptz language sql immutable parallel safe as $$
    select greatest(p_served_at, p_created_at)
        + make_interval(secs => p_seconds
            * ceil(greatest(p_place - greatest(p_slots - p_running, 0), 0)::float8 / p_slots))
$$
"""

RECORD = """
create function record_durations(p_rows jsonb) returns void language sql as $$
    insert into task_durations as d (operation, provider, model, size_class, runs, mean_seconds)
    select x.operation, x.provider, x.model, x.size_class, x.runs, x.total_seconds / x.runs
    from jsonb_to_recordset(p_rows) as x (
        operation text, provider text, model text, size_class smallint, runs bigint, total_seconds float8)
    order by 1, 2, 3, 4
    on conflict (operation, provider, model, size_class) do update set
        runs = d.runs + excluded.runs,
        mean_seconds = d.mean_seconds + (excluded.mean_seconds - d.mean_seconds)
            * excluded.runs / (least(d.runs, 50) + excluded.runs)
$$
"""

# Where each pending one of these tasks stands in its queue. What is asked for together is counted together: from one
# task of a queue to the next. Where more than MOST would be passed by at once, those behind are counted instead, and
# where those are more than MOST too, the place is an estimate: as far between the first and the last as by time.
MOST = 5_000
_QUEUE = """
    from tasks o
    where o.workspace_id = t.workspace_id and o.mode = t.mode and o.lane = t.lane and o.status = 'pending'
"""
QUEUE_PLACES = f"""
create function queue_places(p_tasks uuid[])
returns table (task_id uuid, queue_position bigint, estimated_start_at timestamptz)
language plpgsql stable strict
set enable_seqscan to off
set enable_bitmapscan to off
as $$
declare
    t record;
    v_count bigint;
    v_first timestamptz;
    v_last timestamptz;
begin
    for t in
        select s.id, s.workspace_id, s.mode, s.lane, s.created_at, s.estimated_seconds,
               case s.run when 1 then s.created_at else s.wake_at end as queued_at,
               q.queued, q.slots, q.running, q.served_at,
               lag(s.id) over (partition by s.workspace_id, s.mode, s.lane order by s.id) as previous
        from tasks s join task_queues q on (q.workspace_id, q.mode, q.lane) = (s.workspace_id, s.mode, s.lane)
        where s.id = any (p_tasks) and s.status = 'pending'
        order by s.workspace_id, s.mode, s.lane, s.id
    loop
        select count(*) into v_count from (
            select {_QUEUE} and o.id > coalesce(t.previous, '00000000-0000-0000-0000-000000000000') and o.id <= t.id
            limit {MOST} + 1) passed;
        if v_count <= {MOST} then
            queue_position := v_count + case when t.previous is null then 0 else queue_position end;
        else
            select count(*) into v_count from (select {_QUEUE} and o.id > t.id limit {MOST}) behind;
            if v_count < {MOST} then
                queue_position := t.queued - v_count;
            else
                select o.created_at into v_first {_QUEUE} order by o.id limit 1;
                select o.created_at into v_last {_QUEUE} order by o.id desc limit 1;
                queue_position := {MOST} + round((t.queued - 2 * {MOST}) * coalesce(
                    extract(epoch from t.created_at - v_first) / nullif(extract(epoch from v_last - v_first), 0), 1));
            end if;
        end if;
        task_id := t.id;
        estimated_start_at := estimated_start(
            queue_position, t.slots, t.running, t.served_at, t.queued_at, t.estimated_seconds);
        return next;
    end loop;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "task_durations",
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("size_class", sa.SmallInteger(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("mean_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "provider", "model", "size_class", name=op.f("pk_task_durations")),
    )
    op.add_column("tasks", sa.Column("size_class", sa.SmallInteger(), server_default="0", nullable=False))
    op.execute(ESTIMATED_START)
    op.execute(QUEUE_PLACES)
    op.execute(RECORD)


def downgrade() -> None:
    op.execute("drop function record_durations(jsonb)")
    op.execute("drop function queue_places(uuid[])")
    op.execute("drop function estimated_start(bigint, int, int, timestamptz, timestamptz, int)")
    op.drop_column("tasks", "size_class")
    op.drop_table("task_durations")
