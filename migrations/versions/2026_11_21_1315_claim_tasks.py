"""workers claim tasks by themselves, many in one statement"""

from alembic import op

revision = "a1c0de0000a2"
down_revision = "a1c0de000012"
branch_labels = None
depends_on = None

# Without these the planner, which sees parameters where there are limits and arrays, may read whole tables.
PLANNER = """
    set enable_seqscan to off
    set enable_hashjoin to off
    set enable_mergejoin to off
"""

FUNCTIONS = (
    """
    create function lease_tasks(p_ids uuid[], p_lease interval, p_deadline interval) returns void language sql as $$
        update tasks set
            status = case status when 'pending' then 'processing' else status end,
            version = version + (status = 'pending')::int,
            fence = fence + 1,
            wake_at = clock_timestamp() + p_lease,
            started_at = coalesce(started_at, clock_timestamp()),
            deadline_at = coalesce(deadline_at, clock_timestamp() + p_deadline)
        where id = any(p_ids)
    $$
    """,
    # What is due comes in the order of its time, and what is pending round by round: each workspace with something
    # queued and a free slot gives its oldest, those served longest ago first. Of `p_limit` the due ones get `p_due`
    # at first, then the pending ones, then the due ones what is left. Nobody is waited for: a locked row is passed by,
    # and whoever has it rings when done.
    f"""
    create function claim_tasks(
        p_lane text, p_limit int, p_due int, p_lease interval, p_deadline interval, p_only uuid default null)
    returns setof json language plpgsql {PLANNER} as $$
    declare
        claimed uuid[] := '{{}}';
        found uuid[];
        wanted int := p_due;
    begin
        if p_only is not null then
            select array_agg(id) into found from (
                select id from tasks
                where id = p_only and status in ('pending', 'processing', 'reconciling')
                  and wake_at <= clock_timestamp()
                for update skip locked) due;
            perform lease_tasks(found, p_lease, p_deadline);
            claimed := coalesce(found, '{{}}');
        end if;
        for turn in 1..2 loop
            exit when p_only is not null;
            if wanted > 0 then
                select array_agg(id) into found from (
                    select id from tasks
                    where lane = p_lane and status in ('processing', 'reconciling') and wake_at <= clock_timestamp()
                    order by wake_at limit wanted for update skip locked) due;
                perform lease_tasks(found, p_lease, p_deadline);
                claimed := claimed || coalesce(found, '{{}}');
            end if;
            while turn = 1 and cardinality(claimed) < p_limit loop
                with next as materialized (
                    select workspace_id, mode, lane, slots - running as free from task_queues
                    where lane = p_lane and queued > 0 and running < slots
                    order by served_at limit p_limit - cardinality(claimed) for update skip locked
                ), served as (
                    update task_queues q set served_at = clock_timestamp() from next
                    where (q.workspace_id, q.mode, q.lane) = (next.workspace_id, next.mode, next.lane)
                )
                select array_agg(oldest.id) into found
                from next,
                (select greatest(1, (p_limit - cardinality(claimed)) / nullif(count(*), 0)) as share from next) shared,
                lateral (
                    select id from tasks t
                    where t.workspace_id = next.workspace_id and t.mode = next.mode and t.lane = next.lane
                      and t.status = 'pending'
                    order by id limit least(share, next.free) for update skip locked) oldest;
                exit when found is null;
                perform lease_tasks(found, p_lease, p_deadline);
                claimed := claimed || found;
            end loop;
            wanted := p_limit - cardinality(claimed);
        end loop;
        return query
            select json_build_object(
                'task', row_to_json(t),
                'steps', (select coalesce(json_agg(s order by s.position), '[]') from task_steps s
                          where s.task_id = t.id),
                'attempts', (select coalesce(json_agg(a order by a.id), '[]') from task_attempts a
                             where a.task_id = t.id),
                'seconds_left', extract(epoch from t.deadline_at - clock_timestamp()))
            from unnest(claimed) with ordinality as c(id, place) join tasks t on t.id = c.id
            order by c.place;
    end $$
    """,
)


def upgrade() -> None:
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop function claim_tasks(text, int, int, interval, interval, uuid)")
    op.execute("drop function lease_tasks(uuid[], interval, interval)")
