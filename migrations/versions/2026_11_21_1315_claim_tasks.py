"""workers claim tasks by themselves and record what came of them, many in one statement"""

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
                'now', clock_timestamp(),
                'seconds_left', extract(epoch from t.deadline_at - clock_timestamp()))
            from unnest(claimed) with ordinality as c(id, place) join tasks t on t.id = c.id
            order by c.place;
    end $$
    """,
    # The three below write for many tasks at once. Rows are locked in the order task, credit account, batch, queue,
    # each kind sorted, so that two of these never wait for one another; what is not the caller's any more, by its
    # fence, is left out of the answer and unchanged. Each may be repeated after a commit nobody heard of.
    f"""
    create function lock_tasks(p_items jsonb) returns void language plpgsql {PLANNER} as $$
    begin
        perform 1 from tasks t where t.id in (select x.task_id from jsonb_to_recordset(p_items) as x(task_id uuid))
        order by t.id for update;
    end $$
    """,
    # The batches of the events that are to be written: they are numbered under these locks (migration 1330).
    f"""
    create function lock_batches(p_items jsonb) returns void language plpgsql {PLANNER} as $$
    begin
        if jsonb_path_exists(p_items, '$[*].batch_id ? (@ != null)') then
            perform 1 from batches b
                where b.id in (select x.batch_id from jsonb_to_recordset(p_items) as x(batch_id uuid))
                order by b.id for no key update;
        end if;
    end $$
    """,
    f"""
    create function begin_attempts(p_items jsonb) returns setof uuid language plpgsql {PLANNER} as $$
    begin
        perform lock_tasks(p_items);
        perform lock_batches(p_items);
        return query
        with ours as materialized (
            select x.*, t.workspace_id, t.mode, t.batch_id
            from jsonb_to_recordset(p_items) as x (
                task_id uuid, fence int, attempt_id uuid, run int, "position" int, part int, provider text, model text,
                started_at timestamptz, event_id uuid, event text, data jsonb)
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
        update tasks t set status = 'processing', provider = ours.provider, version = t.version + 1
        from ours where t.id = ours.task_id returning ours.attempt_id;
    end $$
    """,
    # An attempt that waits for its provider. `seen` are the callbacks known of when the provider was asked: where more
    # have come, it is asked again at once.
    f"""
    create function await_providers(p_items jsonb) returns setof uuid language plpgsql {PLANNER} as $$
    begin
        perform lock_tasks(p_items);
        return query
        with ours as materialized (
            select x.*, a.callbacks
            from jsonb_to_recordset(p_items) as x (
                task_id uuid, fence int, attempt_id uuid, reference text, seconds float8, seen int)
            join tasks t on t.id = x.task_id
            join task_attempts a on a.id = x.attempt_id
            where t.fence = x.fence and t.status in ('processing', 'reconciling')
        ), accepted as (
            update task_attempts a set status = 'accepted', provider_reference = ours.reference, ended_at = null,
                error = null
            from ours where a.id = ours.attempt_id and ours.reference is not null
        )
        update tasks t set
            status = 'processing',
            fence = t.fence + 1,
            version = t.version + (ours.reference is not null)::int,
            wake_at = case when ours.callbacks > ours.seen then clock_timestamp()
                else least(clock_timestamp() + make_interval(secs => ours.seconds), t.deadline_at) end
        from ours where t.id = ours.task_id returning ours.attempt_id;
    end $$
    """,
    # What a call made: the attempt has succeeded, with it perhaps its step, and with that perhaps the task, which is
    # then paid.
    f"""
    create function record_results(p_items jsonb) returns setof uuid language plpgsql {PLANNER} as $$
    declare
        o record;
        v_balance bigint;
        v_count int;
    begin
        perform lock_tasks(p_items);
        perform 1 from credit_accounts a
            where exists (
                select 1 from jsonb_to_recordset(p_items) as x (task_id uuid, charged bigint)
                join tasks t on t.id = x.task_id
                where x.charged is not null and t.workspace_id = a.workspace_id and t.mode = a.mode)
            order by a.workspace_id, a.mode for update;
        perform lock_batches(p_items);
        for o in
            select x.*, t.workspace_id, t.mode, t.batch_id
            from jsonb_to_recordset(p_items) as x (
                task_id uuid, fence int, attempt_id uuid, cost bigint, asset_ids uuid[], "position" int,
                step_assets uuid[], charged bigint, reason text, ended_at timestamptz,
                event_id uuid, event text, data jsonb)
            join tasks t on t.id = x.task_id
            where t.fence = x.fence and t.status in ('processing', 'reconciling')
            order by t.workspace_id, t.mode, t.lane, t.id
        loop
            v_balance := null;
            update task_attempts set
                status = 'succeeded', asset_ids = o.asset_ids, cost_microusd = o.cost, ended_at = o.ended_at,
                error = null
                where id = o.attempt_id;
            if o.step_assets is not null then
                update task_steps set status = 'succeeded', asset_ids = o.step_assets, completed_at = o.ended_at
                    where task_id = o.task_id and position = o.position;
                update assets set status = 'ready' where id = any (o.step_assets) and deleted_at is null;
                get diagnostics v_count = row_count;
                if v_count <> cardinality(o.step_assets) then
                    raise exception 'an asset of task % vanished before it was published', o.task_id;
                end if;
            end if;
            if o.charged is not null then
                v_balance := ledger_capture(o.task_id, o.charged, o.reason);
                if v_balance is null then
                    raise exception 'task % has no open hold', o.task_id;
                end if;
                update tasks set
                    status = 'succeeded', charged = o.charged, balance = v_balance, output_ids = o.step_assets,
                    completed_at = o.ended_at, fence = fence + 1, version = version + 1
                    where id = o.task_id;
            else
                update tasks set status = 'processing', version = version + 1 where id = o.task_id;
            end if;
            if o.event_id is not null then
                insert into events (id, workspace_id, mode, type, task_id, batch_id, data, created_at)
                values (
                    o.event_id, o.workspace_id, o.mode, o.event, o.task_id, o.batch_id,
                    o.data || case when v_balance is null then '{{}}'
                        else jsonb_build_object('balance', trim_scale(v_balance / 1000000.0)) end,
                    o.ended_at);
            end if;
        end loop;
        return query
            select a.id from jsonb_to_recordset(p_items) as x (attempt_id uuid, asset_ids uuid[])
            join task_attempts a on a.id = x.attempt_id
            where a.status = 'succeeded' and a.asset_ids = x.asset_ids;
    end $$
    """,
)


def upgrade() -> None:
    for statement in FUNCTIONS:
        op.execute(statement)


def downgrade() -> None:
    for name in ("record_results", "await_providers", "begin_attempts", "lock_batches", "lock_tasks"):
        op.execute(f"drop function {name}(jsonb)")
    op.execute("drop function claim_tasks(text, int, int, interval, interval, uuid)")
    op.execute("drop function lease_tasks(uuid[], interval, interval)")
