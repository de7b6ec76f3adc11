"""batches: many orders accepted at once, counted by the database, their end told once"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a1c0de000004"
down_revision = "a1c0de000003"
branch_labels = None
depends_on = None

READING = (
    """
    -- An id as the outside knows it: the prefix, and the UUID in Crockford's base32.
    create function public_id(p_prefix text, p_id uuid) returns text language sql immutable strict parallel safe as $$
        select p_prefix || '_' || string_agg(
            substr('0123456789abcdefghjkmnpqrstvwxyz', substring(bits from 5 * n + 1 for 5)::int + 1, 1), '' order by n)
        from (select (b'00' || ('x' || replace(p_id::text, '-', ''))::bit(128))::bit(130) as bits) id,
             generate_series(0, 25) n
    $$
    """,
    """
    -- The batch as the outside sees it, without its items.
    create function batch_shown(b batches) returns json language sql stable as $$
        select json_build_object(
            'id', public_id('batch', b.id),
            'object', 'batch',
            'operation', b.operation,
            'status', case
                when b.open = 0 and b.canceled_at is not null then 'canceled'
                when b.open = 0 then 'completed'
                when waiting.count = b.total - b.refused then 'pending'
                else 'processing' end,
            'model', b.model,
            'provider', b.provider,
            'routing', b.routing,
            'summary', json_build_object(
                'total', b.total,
                'pending', waiting.count,
                'processing', b.open - waiting.count,
                'succeeded', b.succeeded,
                'failed', b.failed + b.refused,
                'canceled', b.canceled,
                'credits', json_build_object(
                    'quoted', trim_scale(b.quoted / 1000000.0),
                    'held', trim_scale(b.held / 1000000.0),
                    'charged', trim_scale(b.charged / 1000000.0))),
            'created_at', to_char(b.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'completed_at', to_char(b.completed_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'metadata', b.metadata)
        from (select case when b.open = 0 then 0 else (
            select count(*) from tasks t where t.batch_id = b.id and t.status = 'pending') end as count) waiting
    $$
    """,
)

# Whoever ends a task, or begins it again, changes its batch: the counts cannot drift, and nobody can forget the end.
COUNTING = (
    """
    create function count_in_batch() returns trigger language plpgsql as $$
    declare
        is_open boolean := new.status in ('pending', 'processing', 'reconciling');
        ended text := case when is_open then old.status else new.status end;
        n int := case when is_open then 1 else -1 end;
    begin
        update batches set
            open = open + n,
            held = held + n * new.quoted,
            charged = charged + new.charged - old.charged,
            succeeded = succeeded - case ended when 'succeeded' then n else 0 end,
            failed = failed - case ended when 'failed' then n else 0 end,
            canceled = canceled - case ended when 'canceled' then n else 0 end,
            completed_at = case when not is_open and open = 1 then clock_timestamp() end,
            canceled_at = case when not is_open then canceled_at end
        where id = new.batch_id;
        return null;
    end $$
    """,
    """
    create trigger tasks_count_in_batch after update on tasks for each row
        when (new.batch_id is not null and (old.status in ('pending', 'processing', 'reconciling'))
            is distinct from (new.status in ('pending', 'processing', 'reconciling')))
        execute function count_in_batch()
    """,
    # At the commit, so that it follows all else the transaction tells.
    """
    create function tell_batch_end() returns trigger language plpgsql as $$
    declare
        b batches;
    begin
        update batches set is_told = true where id = new.id and open = 0 and not is_told returning * into b;
        if found then
            insert into events (id, workspace_id, mode, type, batch_id, data, created_at)
            values (new_id(), b.workspace_id, b.mode, 'batch.completed', b.id, batch_shown(b)::jsonb, b.completed_at);
        end if;
        return null;
    end $$
    """,
    """
    create constraint trigger batches_tell_end after update on batches deferrable initially deferred for each row
        when (old.open > 0 and new.open = 0) execute function tell_batch_end()
    """,
    # Events of different tasks are written side by side. Who reads them in order must not see a later one first: those
    # of one batch are numbered one after another, under the lock of its row.
    """
    create function number_batch_event() returns trigger language plpgsql as $$
    begin
        perform 1 from batches where id = new.batch_id for no key update;
        new.position := nextval('events_position_seq');
        return new;
    end $$
    """,
    """
    create trigger events_number_of_batch before insert on events for each row
        when (new.batch_id is not null) execute function number_batch_event()
    """,
)

KEEP_IMPORT = """
-- Publish what a URL of a batch was imported as: true, unless another asset that is there stands for it already.
create function keep_import(p_batch uuid, p_url_digest bytea, p_asset uuid) returns boolean language plpgsql as $$
begin
    insert into imported_files (batch_id, url_digest, asset_id) values (p_batch, p_url_digest, p_asset)
        on conflict do nothing;
    update imported_files i set asset_id = p_asset
        where batch_id = p_batch and url_digest = p_url_digest and (asset_id = p_asset or not exists (
            select 1 from assets a where a.id = i.asset_id and a.status = 'ready' and a.deleted_at is null));
    if not found then
        return false;
    end if;
    update assets set status = 'ready' where id = p_asset and deleted_at is null;
    return true;
end $$
"""

# Everything or nothing, under the lock of the credit account: so the total is covered at once, and of several requests
# with one key the first is done and the others see it.
SUBMIT = """
create function submit_batch(p_batch jsonb, p_items jsonb, p_orders jsonb)
returns table (outcome text, balance bigint, room bigint, batch_id uuid, shown json)
language plpgsql as $$
#variable_conflict use_column
declare
    b record;
    left_over record;
    made batches;
begin
    select * into b from jsonb_to_record(p_batch) as x (
        id uuid, workspace_id uuid, key_id uuid, mode text, operation text, model text, provider text, routing jsonb,
        metadata jsonb, total int, created_at timestamptz, key text, fingerprint text, welcome bigint,
        welcome_reason text);
    perform 1 from credit_accounts a where a.workspace_id = b.workspace_id and a.mode = b.mode for update;
    if not found then
        perform ledger_open(b.workspace_id, b.mode, b.welcome, b.welcome_reason);
        perform 1 from credit_accounts a where a.workspace_id = b.workspace_id and a.mode = b.mode for update;
    end if;
    outcome := case when b.key is not null then take_key(b.workspace_id, b.mode, b.key, b.fingerprint) end;
    if outcome is not null then
        return next;
        return;
    end if;

    select min(coalesce(q.room, p.queued_tasks) - coalesce(q.queued, 0)), bool_or(
               wanted.count > coalesce(q.room, p.queued_tasks) - coalesce(q.queued, 0)) as is_too_much
        into left_over
        from (select x.lane, count(*) from jsonb_to_recordset(p_orders) as x (lane text) group by x.lane) wanted
        join workspaces w on w.id = b.workspace_id
        join plans p on p.name = w.plan
        left join task_queues q on q.workspace_id = w.id and q.mode = b.mode and q.lane = wanted.lane;
    if left_over.is_too_much then
        outcome := 'queue_full';
        room := greatest(left_over.min, 0);
        return next;
        return;
    end if;
    balance := ledger_expire(b.workspace_id, b.mode);
    if balance < (select sum(x.quoted) from jsonb_to_recordset(p_orders) as x (quoted bigint)) then
        outcome := 'insufficient';
        return next;
        return;
    end if;
    insert into batches (
        id, workspace_id, key_id, mode, operation, model, provider, routing, metadata, total, refused, open, succeeded,
        failed, canceled, quoted, held, charged, created_at)
    select b.id, b.workspace_id, b.key_id, b.mode, b.operation, b.model, b.provider, b.routing, b.metadata, b.total,
           b.total - count(*), count(*), 0, 0, 0, sum(x.quoted), sum(x.quoted), 0, b.created_at
    from jsonb_to_recordset(p_orders) as x (quoted bigint)
    returning * into made;
    if exists (select 1 from submit_tasks(p_orders) s where s.outcome <> 'accepted') then
        -- A price, or an asset that was there a moment ago. Nothing stays.
        raise exception using errcode = 'BB001', message = 'an order of the batch is not what it was';
    end if;
    insert into batch_items (batch_id, index, filename, metadata, task_id, error)
        select b.id, x.index, x.filename, x.metadata, x.task_id, x.error
        from jsonb_to_recordset(p_items) as x (index int, filename text, metadata jsonb, task_id uuid, error jsonb);
    if b.key is not null then
        insert into idempotency_keys (
            workspace_id, mode, key, fingerprint, claim, claimed_until, expires_at, status, batch_id)
        values (
            b.workspace_id, b.mode, b.key, decode(b.fingerprint, 'hex'), b.id, now(), now() + interval '24 hours', 202,
            b.id);
    end if;
    outcome := 'accepted';
    batch_id := b.id;
    shown := batch_shown(made);
    return next;
end $$
"""


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=True),
        sa.Column("routing", postgresql.JSONB(), nullable=False),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("refused", sa.Integer(), nullable=False),
        sa.Column("open", sa.Integer(), nullable=False),
        sa.Column("succeeded", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("canceled", sa.Integer(), nullable=False),
        sa.Column("quoted", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("charged", sa.BigInteger(), nullable=False),
        sa.Column("is_told", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("canceled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("mode in ('live', 'test')", name=op.f("ck_batches_mode")),
        sa.CheckConstraint(
            "least(refused, open, succeeded, failed, canceled) >= 0"
            " and refused + open + succeeded + failed + canceled = total",
            name=op.f("ck_batches_counts"),
        ),
        sa.CheckConstraint("(open = 0) = (completed_at is not null)", name=op.f("ck_batches_completed_at")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_batches_workspace_id_workspaces")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batches")),
    )
    op.create_index(
        "ix_batches_newest", "batches", ["workspace_id", "mode", sa.text("created_at desc"), sa.text("id desc")]
    )
    op.execute("alter table batches set (fillfactor = 50)")  # the counts change with each task
    op.create_table(
        "batch_items",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("index", sa.Integer(), nullable=False),
        sa.Column("filename", sa.String(), nullable=True),
        sa.Column("metadata", postgresql.JSONB(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=True),
        sa.Column("error", postgresql.JSONB(), nullable=True),
        sa.CheckConstraint("(task_id is null) = (error is not null)", name=op.f("ck_batch_items_error")),
        sa.ForeignKeyConstraint(
            ["batch_id"], ["batches.id"], name=op.f("fk_batch_items_batch_id_batches"), ondelete="cascade"
        ),
        sa.PrimaryKeyConstraint("batch_id", "index", name=op.f("pk_batch_items")),
    )
    op.create_table(
        "imported_files",
        sa.Column("batch_id", sa.Uuid(), nullable=False),
        sa.Column("url_digest", sa.LargeBinary(), nullable=False),
        sa.Column("asset_id", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("batch_id", "url_digest", name=op.f("pk_imported_files")),
    )
    op.add_column("idempotency_keys", sa.Column("batch_id", sa.Uuid(), nullable=True))
    for statement in (*READING, *COUNTING, KEEP_IMPORT, SUBMIT):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop function submit_batch(jsonb, jsonb, jsonb)")
    op.execute("drop function keep_import(uuid, bytea, uuid)")
    op.execute("drop trigger events_number_of_batch on events")
    op.execute("drop function number_batch_event()")
    op.execute("drop trigger batches_tell_end on batches")
    op.execute("drop function tell_batch_end()")
    op.execute("drop trigger tasks_count_in_batch on tasks")
    op.execute("drop function count_in_batch()")
    op.execute("drop function batch_shown(batches)")
    op.execute("drop function public_id(text, uuid)")
    op.drop_column("idempotency_keys", "batch_id")
    op.drop_table("imported_files")
    op.drop_table("batch_items")
    op.drop_table("batches")
