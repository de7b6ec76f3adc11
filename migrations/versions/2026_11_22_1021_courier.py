"""what workers do with deliveries: claim what is due, and note what became of it"""

from alembic import op

revision = "a1c0de0b1021"
down_revision = "a1c0de0b1020"
branch_labels = None
depends_on = None

# Locks are taken in this order: an endpoint, then queues by their target, then deliveries. Whoever makes a delivery due
# does so in its queue too, in the same transaction: so a queue's next_due_at never says later than its deliveries do.
QUEUE = """
    -- When the queue is to be looked at next, its row being locked: at the next delivery that is due, if there is room
    -- for one more; else when the first lease ends, or whoever ends an attempt asks again.
    create function webhook_queue_next(p_target uuid, p_most int, p_paused timestamptz) returns timestamptz
    language sql volatile set enable_seqscan = off as $$
        select case
            when count(*) filter (where claimed_until > clock_timestamp()) >= p_most
                then min(claimed_until) filter (where claimed_until > clock_timestamp())
            else greatest(p_paused, (
                select due_at from webhook_deliveries where target_id = p_target and status = 'pending'
                order by due_at, id limit 1))
        end
        from webhook_deliveries where target_id = p_target and status = 'pending' and claimed_until is not null
    $$
"""
CLAIM_ONE = """
    -- Of one queue, whose row is locked, what is due and there is room for. After so many failures in a row (breaker)
    -- only one at a time is tried.
    create function claim_webhooks_of(
        p_queue webhook_queues, p_most int, p_lease interval, p_tries int, p_at_once int, p_breaker int)
    returns table (
        id uuid, workspace_id uuid, mode text, endpoint_id uuid, target_id uuid, event_id uuid, event_type text,
        task_id uuid, payload text, attempts int, tries int, failures int, is_tired boolean, url text, headers bytea,
        generation int, is_rotating boolean, event_data text, event_created_at timestamptz)
    language plpgsql set enable_seqscan = off as $$
    #variable_conflict use_column
    declare
        v_now timestamptz := clock_timestamp();
        v_room int := case when p_queue.failures >= p_breaker then 1 else p_at_once end;
        v_under_way int;
        v_gone int;
    begin
        if p_queue.endpoint_id is not null and not exists (
            select from webhook_endpoints w where w.id = p_queue.endpoint_id and w.status = 'enabled')
        then
            with due as materialized (
                select x.id from webhook_deliveries x
                where x.target_id = p_queue.target_id and x.status = 'pending'
                    and (x.claimed_until is null or x.claimed_until <= v_now)
                order by x.due_at, x.id limit 500 for update skip locked
            )
            update webhook_deliveries d set status = 'discarded', ended_at = v_now, claimed_until = null
            from due where d.id = due.id;
            get diagnostics v_gone = row_count;
            update webhook_queues q
                set next_due_at = case when v_gone = 500 then v_now
                                       else webhook_queue_next(q.target_id, p_at_once, null) end
                where q.target_id = p_queue.target_id;
            return;
        elsif p_queue.paused_until > v_now then
            update webhook_queues q set next_due_at = p_queue.paused_until where q.target_id = p_queue.target_id;
            return;
        end if;
        -- Whoever had it died, or was kept from saying what became of it.
        if exists (
            select from webhook_deliveries d
            where d.target_id = p_queue.target_id and d.status = 'pending' and d.claimed_until <= v_now)
        then
            insert into webhook_attempts (
                delivery_id, number, workspace_id, mode, started_at, seconds, url, request_headers, error, detail)
            select d.id, d.attempts, d.workspace_id, d.mode, d.claimed_until - p_lease, extract(epoch from p_lease),
                   coalesce(d.url, (select w.url from webhook_endpoints w where w.id = d.endpoint_id), ''), '{}',
                   'interrupted', 'The worker that sent this stopped: whether it arrived is not known.'
            from webhook_deliveries d
            where d.target_id = p_queue.target_id and d.status = 'pending' and d.claimed_until <= v_now
            on conflict do nothing;
            update webhook_deliveries d set claimed_until = null, error = 'interrupted', response_status = null,
                status = case when d.tries >= p_tries then 'failed' else d.status end,
                ended_at = case when d.tries >= p_tries then v_now end
            where d.target_id = p_queue.target_id and d.status = 'pending' and d.claimed_until <= v_now;
        end if;
        select count(*) into v_under_way from webhook_deliveries d
            where d.target_id = p_queue.target_id and d.status = 'pending' and d.claimed_until is not null;
        return query
        -- Materialized: in a join it could be gone through again for each row, and each time take others.
        with due as materialized (
            select x.id from webhook_deliveries x
            where x.target_id = p_queue.target_id and x.status = 'pending' and x.due_at <= v_now
            order by x.due_at, x.id limit greatest(least(p_most, v_room - v_under_way), 0) for update skip locked
        ), taken as (
            update webhook_deliveries d set attempts = d.attempts + 1, tries = d.tries + 1,
                due_at = v_now + p_lease, claimed_until = v_now + p_lease
            from due where d.id = due.id returning d.*
        )
        select t.id, t.workspace_id, t.mode::text, t.endpoint_id, t.target_id, t.event_id, t.event_type::text,
               t.task_id, t.payload, t.attempts, t.tries::int, p_queue.failures, coalesce(
                   p_queue.endpoint_id is not null and p_queue.failing_since <= v_now - interval '5 days'
                   and p_queue.last_failed_at > v_now - interval '1 day', false),
               coalesce(t.url, w.url)::text, w.headers, coalesce(w.secret_generation, s.generation, 1),
               coalesce(w.previous_secret_until, s.previous_secret_until) > v_now, e.data::text, e.created_at
        from taken t
        left join webhook_endpoints w on w.id = t.endpoint_id
        left join webhook_signing_secrets s
            on t.endpoint_id is null and s.workspace_id = t.workspace_id and s.mode = t.mode
        left join events e on t.payload is null and e.id = t.event_id;
        update webhook_queues q set next_due_at = webhook_queue_next(q.target_id, v_room, null)
            where q.target_id = p_queue.target_id;
    end $$
"""
CLAIM = """
    -- Up to p_most deliveries that are due, ours until the lease ends; of them up to p_failing to targets whose last
    -- attempt failed. A queue that somebody else has in hand is left to them. The row is locked before its deliveries
    -- are looked at, each time by a statement of its own: so none is overlooked that was made meanwhile.
    create function claim_webhooks(
        p_most int, p_failing int, p_lease interval, p_tries int, p_at_once int, p_breaker int)
    returns table (
        id uuid, workspace_id uuid, mode text, endpoint_id uuid, target_id uuid, event_id uuid, event_type text,
        task_id uuid, payload text, attempts int, tries int, failures int, is_tired boolean, url text, headers bytea,
        generation int, is_rotating boolean, event_data text, event_created_at timestamptz)
    language plpgsql set enable_seqscan = off as $$
    #variable_conflict use_column
    declare
        q webhook_queues;
        v_left int := p_most;
        v_taken int;
    begin
        for q in select * from webhook_queues where failures = 0 and next_due_at <= clock_timestamp()
            order by next_due_at limit p_most for update skip locked
        loop
            exit when v_left <= 0;
            return query select * from claim_webhooks_of(q, v_left, p_lease, p_tries, p_at_once, p_breaker);
            get diagnostics v_taken = row_count;
            v_left := v_left - v_taken;
        end loop;
        v_left := least(v_left, p_failing);
        for q in select * from webhook_queues where failures > 0 and next_due_at <= clock_timestamp()
            order by next_due_at limit greatest(p_failing, 0) for update skip locked
        loop
            exit when v_left <= 0;
            return query select * from claim_webhooks_of(q, v_left, p_lease, p_tries, p_at_once, p_breaker);
            get diagnostics v_taken = row_count;
            v_left := v_left - v_taken;
        end loop;
    end $$
"""
NOTE = """
    -- What became of attempts. A delivery that arrived has arrived, whoever else has it by now; that one failed is said
    -- by who claimed it last. An attempt that was none (`number` is given back) says nothing of anybody.
    create function note_webhooks(p_items jsonb, p_at_once int, p_breaker int) returns void
    language plpgsql set enable_seqscan = off as $$
    declare
        i record;
        q webhook_queues;
        v_now timestamptz;
        v_is_done boolean;
    begin
        for i in
            select * from jsonb_to_recordset(p_items) as x (
                id uuid, number int, target_id uuid, outcome text, is_of_target boolean, delay float8, pause float8,
                started_at timestamptz, seconds float8, url text, request_headers jsonb, request_body text,
                status int, response_headers jsonb, response_body text, error text, detail text)
            order by x.target_id, x.id
        loop
            select * into q from webhook_queues where target_id = i.target_id for update;
            v_now := clock_timestamp();
            v_is_done := i.outcome = 'succeeded';
            if i.outcome = 'put_back' then
                update webhook_deliveries set attempts = attempts - 1, tries = tries - 1, claimed_until = null,
                    due_at = v_now + make_interval(secs => i.delay)
                where id = i.id and status = 'pending' and attempts = i.number;
            else
                insert into webhook_attempts (
                    delivery_id, number, workspace_id, mode, started_at, seconds, url, request_headers, request_body,
                    status, response_headers, response_body, error, detail)
                select d.id, i.number, d.workspace_id, d.mode, i.started_at, i.seconds, i.url, i.request_headers,
                       i.request_body, i.status, i.response_headers, i.response_body, i.error, i.detail
                from webhook_deliveries d where d.id = i.id
                on conflict (delivery_id, number) do update set
                    seconds = excluded.seconds, request_headers = excluded.request_headers,
                    request_body = excluded.request_body, status = excluded.status, error = excluded.error,
                    response_headers = excluded.response_headers, response_body = excluded.response_body,
                    detail = excluded.detail;
                update webhook_deliveries set
                    status = case i.outcome when 'again' then 'pending' else i.outcome end, claimed_until = null,
                    due_at = case i.outcome when 'again' then v_now + make_interval(secs => i.delay) else due_at end,
                    ended_at = case when i.outcome <> 'again' then v_now end,
                    response_status = i.status, error = i.error
                where id = i.id and (
                    v_is_done and status <> 'succeeded'
                    or not v_is_done and status = 'pending' and attempts = i.number);
            end if;
            if i.is_of_target and v_is_done then
                q.failures := 0;
                q.failing_since := null;
                q.last_failed_at := null;
                q.paused_until := null;
            elsif i.is_of_target then
                -- A day without an attempt tells nothing: then it begins anew.
                if q.failures = 0 or q.last_failed_at < v_now - interval '1 day' then
                    q.failing_since := v_now;
                end if;
                q.failures := q.failures + 1;
                q.last_failed_at := v_now;
                q.paused_until := greatest(
                    q.paused_until, v_now + make_interval(secs => i.pause),
                    case when q.failures >= p_breaker then
                        v_now + make_interval(secs => least(5 * 2 ^ least(q.failures - p_breaker, 10), 300)) end);
            end if;
            update webhook_queues set failures = q.failures, failing_since = q.failing_since,
                last_failed_at = q.last_failed_at, paused_until = q.paused_until,
                next_due_at = webhook_queue_next(
                    i.target_id, case when q.failures >= p_breaker then 1 else p_at_once end, q.paused_until)
            where target_id = i.target_id;
        end loop;
    end $$
"""
FUNCTIONS = {
    "webhook_queue_next(uuid, int, timestamptz)": QUEUE,
    "claim_webhooks_of(webhook_queues, int, interval, int, int, int)": CLAIM_ONE,
    "claim_webhooks(int, int, interval, int, int, int)": CLAIM,
    "note_webhooks(jsonb, int, int)": NOTE,
}


def upgrade() -> None:
    for function in FUNCTIONS.values():
        op.execute(function)


def downgrade() -> None:
    for signature in reversed(FUNCTIONS):
        op.execute(f"drop function {signature}")
