"""an order in one statement: idempotency, limits, price, files, hold, task, steps and event, for many orders at once"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de000003"
down_revision = "a1c0de0000a2"
branch_labels = None
depends_on = None

TAKE_KEY = """
-- Why an order under this key is not taken: its key was used for another (reused), it was taken before (replay), or
-- another request with it is under way (in_flight). NULL: nothing stands against it, and no row is left in its way.
create function take_key(p_workspace uuid, p_mode text, p_key text, p_fingerprint text)
returns text language plpgsql as $$
declare
    k record;
begin
    select * into k from idempotency_keys
        where workspace_id = p_workspace and mode = p_mode and key = p_key for update;
    if not found then
        return null;
    elsif k.expires_at > now() then
        if k.fingerprint <> decode(p_fingerprint, 'hex') then
            return 'reused';
        elsif k.status is not null then
            return 'replay';
        elsif k.claimed_until > now() then
            return 'in_flight';
        end if;
    end if;
    delete from idempotency_keys where workspace_id = p_workspace and mode = p_mode and key = p_key;
    return null;
end $$
"""

# Each order is decided by itself, under the lock of its credit account; nothing of a refused one stays. The orders are
# taken in the order of their accounts, so that two batches never wait for one another.
SUBMIT = """
create function submit_tasks(p_orders jsonb)
returns table (
    place int, outcome text, balance bigint, task_id uuid, queue_position bigint, estimated_start_at timestamptz)
language plpgsql as $$
#variable_conflict use_column
declare
    o record;
    v_left bigint;
    v_places int[] := '{}';
    v_lefts bigint[] := '{}';
    v_positions bigint[] := '{}';
    v_starts timestamptz[] := '{}';
    q task_queues;
    v_queue text;
    v_queues text[] := '{}';
begin
    for o in
        select * from jsonb_to_recordset(p_orders) as x (
            place int, id uuid, hold_id uuid, workspace_id uuid, mode text, operation text, provider_first text,
            model_first text, lane text, unit bigint, quoted bigint, estimated_seconds int, created_at timestamptz,
            assets uuid[], key text, fingerprint text, welcome bigint, welcome_reason text)
        order by x.workspace_id, x.mode, x.place
    loop
        place := o.place;
        balance := null;
        task_id := null;
        queue_position := null;
        estimated_start_at := null;
        perform 1 from credit_accounts a where a.workspace_id = o.workspace_id and a.mode = o.mode for update;
        if not found then
            perform ledger_open(o.workspace_id, o.mode, o.welcome, o.welcome_reason);
        end if;
        outcome := case when o.key is not null then take_key(o.workspace_id, o.mode, o.key, o.fingerprint) end;
        if outcome is not null then
            return next;
            continue;
        end if;
        select * into q from task_queues t
            where t.workspace_id = o.workspace_id and t.mode = o.mode and t.lane = o.lane;
        if not found then
            select p.queued_tasks into q.room from workspaces w join plans p on p.name = w.plan
                where w.id = o.workspace_id;
        end if;
        v_queue := concat_ws(' ', o.workspace_id, o.mode, o.lane);
        queue_position := coalesce(q.queued, 0) + coalesce(cardinality(array_positions(v_queues, v_queue)), 0) + 1;
        outcome := case
            when queue_position > q.room then 'queue_full'
            when o.unit is distinct from (
                select p.amount from prices p where p.operation = o.operation and p.provider = o.provider_first
                    and p.model in (o.model_first, '*') order by p.model = '*' limit 1) then 'price_changed'
            when exists (
                select 1 from unnest(o.assets) wanted (id) where not exists (
                    select 1 from assets s where s.id = wanted.id and s.workspace_id = o.workspace_id
                        and s.mode = o.mode and s.status = 'ready' and s.deleted_at is null)) then 'asset_missing'
        end;
        if outcome is null then
            v_left := ledger_hold(o.workspace_id, o.mode, o.id, o.quoted, o.hold_id);
            if v_left is null then
                outcome := 'insufficient';
                select a.balance into balance from credit_accounts a
                    where a.workspace_id = o.workspace_id and a.mode = o.mode;
            else
                outcome := 'accepted';
                balance := v_left;
                task_id := o.id;
                estimated_start_at := estimated_start(
                    queue_position, coalesce(q.slots, 1), coalesce(q.running, 0), q.served_at, o.created_at,
                    o.estimated_seconds);
                v_queues := v_queues || v_queue;
                v_positions := v_positions || queue_position;
                v_starts := v_starts || estimated_start_at;
                v_places := v_places || o.place;
                v_lefts := v_lefts || v_left;
            end if;
        end if;
        return next;
    end loop;
    if cardinality(v_places) = 0 then
        return;
    end if;

    insert into tasks (
        id, workspace_id, key_id, mode, operation, status, input, model, provider, routing, route, route_index, lane,
        metadata, num_outputs, quoted, charged, balance, estimated_seconds, size_class, output_ids,
        version, run, fence, created_at, batch_id, batch_index)
    select x.id, x.workspace_id, x.key_id, x.mode, x.operation, 'pending', x.input, x.model, x.provider, x.routing,
           x.route, 0, x.lane, x.metadata, x.num_outputs, x.quoted, 0, done.left_over, x.estimated_seconds,
           x.size_class, '{}', 1, 1,
           0, x.created_at, x.batch_id, x.batch_index
    from jsonb_to_recordset(p_orders) as x (
        place int, id uuid, workspace_id uuid, key_id uuid, mode text, operation text, input jsonb, model text,
        provider text, routing jsonb, route jsonb, lane text, metadata jsonb, num_outputs int, quoted bigint,
        estimated_seconds int, size_class smallint, created_at timestamptz, batch_id uuid, batch_index int)
    join unnest(v_places, v_lefts) as done (place, left_over) on done.place = x.place
    order by x.workspace_id, x.mode, x.place;

    insert into task_steps (task_id, position, name, status, asset_ids)
    select x.id, step.number - 1, step.name, 'pending', '{}'
    from jsonb_to_recordset(p_orders) as x (place int, id uuid, steps text[])
    cross join unnest(x.steps) with ordinality as step (name, number)
    where x.place = any (v_places);

    insert into events (id, workspace_id, mode, type, task_id, batch_id, data, created_at)
    select x.event_id, x.workspace_id, x.mode, 'task.created', x.id, x.batch_id,
           x.shown || jsonb_build_object(
               'balance', trim_scale(done.left_over / 1000000.0), 'queue_position', done.queue_position,
               'estimated_start_at', to_char(
                   done.estimated_start_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')),
           x.created_at
    from jsonb_to_recordset(p_orders) as x (
        place int, id uuid, event_id uuid, workspace_id uuid, mode text, batch_id uuid, shown jsonb,
        created_at timestamptz)
    join unnest(v_places, v_lefts, v_positions, v_starts)
        as done (place, left_over, queue_position, estimated_start_at) on done.place = x.place
    order by x.place;

    insert into idempotency_keys (
        workspace_id, mode, key, fingerprint, claim, claimed_until, expires_at, status, task_id)
    select x.workspace_id, x.mode, x.key, decode(x.fingerprint, 'hex'), x.id, now(), now() + interval '24 hours', 202,
           x.id
    from jsonb_to_recordset(p_orders) as x (
        place int, id uuid, workspace_id uuid, mode text, key text, fingerprint text)
    where x.key is not null and x.place = any (v_places);
end $$
"""


def upgrade() -> None:
    op.add_column("idempotency_keys", sa.Column("task_id", sa.Uuid(), nullable=True))
    op.execute(TAKE_KEY)
    op.execute(SUBMIT)


def downgrade() -> None:
    op.execute("drop function submit_tasks(jsonb)")
    op.execute("drop function if exists take_key(uuid, text, text, text)")
    op.drop_column("idempotency_keys", "task_id")
