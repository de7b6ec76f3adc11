"""webhooks: endpoints, what is to be delivered to whom, and each attempt at it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a1c0de0b1020"
down_revision = "a1c0de0b1010"
branch_labels = None
depends_on = None

# Locks are taken in this order: an endpoint, then queues by their target, then deliveries. Whoever makes a delivery due
# does so in its queue too, in the same transaction: so a queue's next_due_at never says later than its deliveries do.
FAN_OUT = (
    """
    -- What is published goes to the endpoints that want it, and the end of a task to the URL its order named.
    create function fan_out_webhooks() returns trigger language plpgsql as $$
    begin
        with made as (
            insert into webhook_deliveries (
                id, workspace_id, mode, endpoint_id, target_id, url, event_id, event_type, task_id, status, attempts,
                tries, due_at, created_at)
            select new_id(), wanted.workspace_id, wanted.mode, endpoint_id, target_id, url, event_id, type, task_id,
                   'pending', 0, 0, now(), now()
            from (
                select f.*, w.id as endpoint_id, w.id as target_id, null as url, e.task_id
                from fresh f
                join webhook_endpoints w on w.workspace_id = f.workspace_id and w.mode = f.mode
                join events e on e.id = f.event_id
                where w.status = 'enabled' and (
                    w.event_types is null or w.event_types && array[
                        f.type, split_part(f.type, '.', 1) || '.*', '*']::varchar[])
                union all
                select f.*, null, webhook_target(f.workspace_id, f.mode, t.webhook_url), t.webhook_url, t.id
                from fresh f
                join events e on e.id = f.event_id
                join tasks t on t.id = e.task_id
                where f.type in ('task.succeeded', 'task.failed', 'task.canceled') and t.webhook_url is not null
            ) wanted
            order by wanted.number
            on conflict (event_id, target_id) do nothing
            returning target_id, workspace_id, mode, endpoint_id
        )
        insert into webhook_queues as q (target_id, workspace_id, mode, endpoint_id, next_due_at)
        select distinct target_id, workspace_id, mode, endpoint_id, now() from made order by target_id
        on conflict (target_id) do update
            set next_due_at = least(q.next_due_at, greatest(excluded.next_due_at, q.paused_until));
        return null;
    end $$
    """,
    """
    create trigger feed_fan_out_webhooks after insert on feed referencing new table as fresh
        for each statement execute function fan_out_webhooks()
    """,
)
TARGET = """
    -- URLs of one server, named by the orders of one workspace, are one target.
    create function webhook_target(p_workspace uuid, p_mode text, p_url text) returns uuid
    language sql immutable parallel safe as $$
        select md5(concat_ws(' ', p_workspace, p_mode, lower(substring(p_url from '^[A-Za-z]+://[^/?#]+'))))::uuid
    $$
"""
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
    begin
        if p_queue.endpoint_id is not null and not exists (
            select from webhook_endpoints w where w.id = p_queue.endpoint_id and w.status = 'enabled')
        then
            update webhook_deliveries d set status = 'discarded', ended_at = v_now, claimed_until = null
            from (
                select x.id from webhook_deliveries x
                where x.target_id = p_queue.target_id and x.status = 'pending'
                    and (x.claimed_until is null or x.claimed_until <= v_now)
                order by x.due_at, x.id limit 500 for update skip locked
            ) due where d.id = due.id;
            update webhook_queues q set next_due_at = webhook_queue_next(q.target_id, p_at_once, null)
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
        with taken as (
            update webhook_deliveries d set attempts = d.attempts + 1, tries = d.tries + 1,
                due_at = v_now + p_lease, claimed_until = v_now + p_lease
            from (
                select x.id from webhook_deliveries x
                where x.target_id = p_queue.target_id and x.status = 'pending' and x.due_at <= v_now
                order by x.due_at, x.id limit greatest(least(p_most, v_room - v_under_way), 0) for update skip locked
            ) due where d.id = due.id returning d.*
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
    "webhook_target(uuid, text, text)": TARGET,
    "webhook_queue_next(uuid, int, timestamptz)": QUEUE,
    "claim_webhooks_of(webhook_queues, int, interval, int, int, int)": CLAIM_ONE,
    "claim_webhooks(int, int, interval, int, int, int)": CLAIM,
    "note_webhooks(jsonb, int, int)": NOTE,
}

# As in 0960: of a long function only these places are replaced.
IN_SUBMIT_TASKS = (
    (
        "version, run, fence, created_at, batch_id, batch_index)\n    select x.id",
        "version, run, fence, created_at, batch_id, batch_index, webhook_url)\n    select x.id",
    ),
    (
        "0, x.created_at, x.batch_id, x.batch_index\n    from",
        "0, x.created_at, x.batch_id, x.batch_index, x.webhook_url\n    from",
    ),
    ("batch_id uuid, batch_index int)\n    join", "batch_id uuid, batch_index int, webhook_url text)\n    join"),
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


def _mode() -> sa.Column[str]:
    return sa.Column("mode", sa.String(), nullable=False)


def _moment(name: str, *, nullable: bool = True) -> "sa.Column[object]":
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def _endpoints() -> None:
    op.create_table(
        "webhook_endpoints",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        _mode(),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("event_types", sa.ARRAY(sa.String()), nullable=True),
        sa.Column("headers", sa.LargeBinary(), nullable=True),
        sa.Column("status", sa.String(), server_default="enabled", nullable=False),
        sa.Column("disabled_reason", sa.String(), nullable=True),
        _moment("disabled_at"),
        sa.Column("secret_generation", sa.Integer(), server_default="1", nullable=False),
        _moment("secret_rotated_at"),
        _moment("previous_secret_until"),
        _moment("created_at", nullable=False),
        _moment("updated_at", nullable=False),
        sa.CheckConstraint("mode in ('live', 'test')", name=op.f("ck_webhook_endpoints_mode")),
        sa.CheckConstraint("status in ('enabled', 'disabled')", name=op.f("ck_webhook_endpoints_status")),
        sa.CheckConstraint(
            "disabled_reason in ('user', 'gone', 'failing')", name=op.f("ck_webhook_endpoints_disabled_reason")
        ),
        sa.CheckConstraint(
            "(status = 'disabled') = (disabled_reason is not null)", name=op.f("ck_webhook_endpoints_disabled")
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_webhook_endpoints_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_endpoints")),
    )
    op.create_index(
        "ix_webhook_endpoints_workspace_id_mode_created_at",
        "webhook_endpoints",
        ["workspace_id", "mode", "created_at"],
    )
    op.create_table(
        "webhook_signing_secrets",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        _mode(),
        sa.Column("generation", sa.Integer(), nullable=False),
        _moment("rotated_at", nullable=False),
        _moment("previous_secret_until"),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_webhook_signing_secrets_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("workspace_id", "mode", name=op.f("pk_webhook_signing_secrets")),
    )


def _deliveries() -> None:
    op.create_table(
        "webhook_queues",
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        _mode(),
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        _moment("next_due_at"),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        _moment("failing_since"),
        _moment("last_failed_at"),
        _moment("paused_until"),
        sa.PrimaryKeyConstraint("target_id", name=op.f("pk_webhook_queues")),
    )
    for name, state in (("good", "failures = 0"), ("failing", "failures > 0")):
        op.create_index(f"ix_webhook_queues_{name}", "webhook_queues", ["next_due_at"], postgresql_where=sa.text(state))
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        _mode(),
        sa.Column("endpoint_id", sa.Uuid(), nullable=True),
        sa.Column("target_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.String(), nullable=True),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("event_type", sa.String(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("payload", sa.Text(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        _moment("due_at", nullable=False),
        _moment("claimed_until"),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        _moment("created_at", nullable=False),
        _moment("ended_at"),
        sa.CheckConstraint(
            "status in ('pending', 'succeeded', 'failed', 'discarded')", name=op.f("ck_webhook_deliveries_status")
        ),
        sa.CheckConstraint("(endpoint_id is null) = (url is not null)", name=op.f("ck_webhook_deliveries_url")),
        sa.CheckConstraint("(status = 'pending') = (ended_at is null)", name=op.f("ck_webhook_deliveries_ended_at")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint("event_id", "target_id", name=op.f("uq_webhook_deliveries_event_id_target_id")),
    )
    pending, newest = sa.text("status = 'pending'"), [sa.text("created_at desc"), sa.text("id desc")]
    for name, columns, where in (
        ("due", ["target_id", "due_at", "id"], pending),
        ("claimed", ["target_id"], sa.text("status = 'pending' and claimed_until is not null")),
        ("newest", ["workspace_id", "mode", *newest], None),
        ("endpoint", ["endpoint_id", *newest], sa.text("endpoint_id is not null")),
        ("task", ["task_id"], sa.text("task_id is not null")),
    ):
        op.create_index(f"ix_webhook_deliveries_{name}", "webhook_deliveries", columns, postgresql_where=where)
    op.create_table(
        "webhook_attempts",
        sa.Column("delivery_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        _mode(),
        _moment("started_at", nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("request_headers", postgresql.JSONB(), nullable=False),
        sa.Column("request_body", sa.Text(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response_headers", postgresql.JSONB(), nullable=True),
        sa.Column("response_body", sa.Text(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("detail", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["delivery_id"],
            ["webhook_deliveries.id"],
            name=op.f("fk_webhook_attempts_delivery_id_webhook_deliveries"),
            ondelete="cascade",
        ),
        sa.PrimaryKeyConstraint("delivery_id", "number", name=op.f("pk_webhook_attempts")),
    )
    # Their rows change with each attempt.
    op.execute("alter table webhook_queues set (fillfactor = 50)")
    for table in ("webhook_queues", "webhook_deliveries"):
        op.execute(f"alter table {table} set (autovacuum_vacuum_scale_factor = 0.02)")


def upgrade() -> None:
    _endpoints()
    _deliveries()
    op.add_column("tasks", sa.Column("webhook_url", sa.String(), nullable=True))
    _replace("submit_tasks(jsonb)", IN_SUBMIT_TASKS)
    for function in FUNCTIONS.values():
        op.execute(function)
    for statement in FAN_OUT:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger feed_fan_out_webhooks on feed")
    op.execute("drop function fan_out_webhooks()")
    for signature in reversed(FUNCTIONS):
        op.execute(f"drop function {signature}")
    _replace("submit_tasks(jsonb)", tuple((new, old) for old, new in reversed(IN_SUBMIT_TASKS)))
    op.drop_column("tasks", "webhook_url")
    for table in (
        "webhook_attempts",
        "webhook_deliveries",
        "webhook_queues",
        "webhook_signing_secrets",
        "webhook_endpoints",
    ):
        op.drop_table(table)
