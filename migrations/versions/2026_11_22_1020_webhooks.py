"""webhooks: endpoints, what is to be delivered to whom, and each attempt at it"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a1c0de0b1020"
down_revision = "a1c0de0b1010"
branch_labels = None
depends_on = None

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
    for statement in (TARGET, *FAN_OUT):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger feed_fan_out_webhooks on feed")
    op.execute("drop function fan_out_webhooks()")
    op.execute("drop function webhook_target(uuid, text, text)")
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
