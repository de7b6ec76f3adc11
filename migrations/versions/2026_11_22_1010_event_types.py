"""assets and credits are told of in the transaction of their change; mails of what is told; mails know their workspace

Data are written as they are told, with public ids: only the links of assets are added when an event is read.
"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de0b1010"
down_revision = "a1c0de0b1000"
branch_labels = None
depends_on = None

ASSETS = (
    """
    -- The asset as the outside sees it, without links.
    create function asset_shown(a assets) returns json language sql stable as $$
        select json_build_object(
            'id', public_id('asset', a.id),
            'object', 'asset',
            'kind', a.kind,
            'source', a.source,
            'content_type', a.content_type,
            'bytes', a.bytes,
            'width', a.width,
            'height', a.height,
            'duration', a.duration,
            'sha256', encode(a.sha256, 'hex'),
            'placeholder', a.placeholder,
            'favorite', a.favorite,
            'task_id', public_id('task', a.task_id),
            'metadata', a.metadata,
            'created_at', to_char(a.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'filename', a.filename)
    $$
    """,
    # Not among the events of its task: who follows the task hears of its results there.
    """
    create function tell_asset() returns trigger language plpgsql as $$
    begin
        insert into events (id, workspace_id, mode, type, data, created_at)
        values (new_id(), new.workspace_id, new.mode, tg_argv[0], asset_shown(new)::jsonb, clock_timestamp());
        return null;
    end $$
    """,
    # What the customer sees in their list: neither what is being written, nor what lies between two steps.
    """
    create trigger assets_tell_added after insert on assets for each row
        when (new.status = 'ready' and new.deleted_at is null and not new.is_intermediate)
        execute function tell_asset('asset.created')
    """,
    """
    create trigger assets_tell_created after update of status on assets for each row
        when (old.status <> 'ready' and new.status = 'ready' and new.deleted_at is null and not new.is_intermediate)
        execute function tell_asset('asset.created')
    """,
    """
    create trigger assets_tell_deleted after update of deleted_at on assets for each row
        when (old.deleted_at is null and new.deleted_at is not null and new.status = 'ready'
            and not new.is_intermediate)
        execute function tell_asset('asset.deleted')
    """,
)

CREDITS = (
    """
    create function credits_shown(a credit_accounts) returns json language sql stable as $$
        select json_build_object(
            'balance', trim_scale(a.balance / 1000000.0),
            'held', trim_scale(a.held / 1000000.0),
            'total_earned', trim_scale(a.total_earned / 1000000.0),
            'total_spent', trim_scale(a.total_spent / 1000000.0),
            'low_mark', trim_scale(a.low_mark / 1000000.0))
    $$
    """,
    """
    create function tell_credits_spent() returns trigger language plpgsql as $$
    declare
        data jsonb := credits_shown(new);
        was bigint := old.balance + old.held;
        is_left bigint := new.balance + new.held;
    begin
        if was >= new.low_mark and is_left < new.low_mark then
            insert into events (id, workspace_id, mode, type, data, created_at)
            values (new_id(), new.workspace_id, new.mode, 'credits.low', data, clock_timestamp());
        end if;
        if is_left = 0 then
            insert into events (id, workspace_id, mode, type, data, created_at)
            values (new_id(), new.workspace_id, new.mode, 'credits.exhausted', data, clock_timestamp());
        end if;
        return null;
    end $$
    """,
    # A hold and its release leave balance and held together as they are, so neither tells anything; and the function
    # is called on a crossing only.
    """
    create trigger credit_accounts_tell_spent after update of balance, held on credit_accounts for each row
        when (new.balance + new.held < old.balance + old.held and (new.balance + new.held = 0
            or old.balance + old.held >= new.low_mark and new.balance + new.held < new.low_mark))
        execute function tell_credits_spent()
    """,
    """
    create function tell_credits_granted() returns trigger language plpgsql as $$
    begin
        insert into events (id, workspace_id, mode, type, data, created_at)
        select new_id(), new.workspace_id, new.mode, 'credits.granted', jsonb_build_object(
            'id', public_id('grant', new.id),
            'object', 'credit_grant',
            'kind', new.kind,
            'amount', trim_scale(new.amount / 1000000.0),
            'remaining', trim_scale(new.remaining / 1000000.0),
            'priority', new.priority,
            'expires_at', to_char(new.expires_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'reason', new.reason,
            'created_at', to_char(new.created_at at time zone 'utc', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
            'balance', trim_scale(a.balance / 1000000.0),
            'held', trim_scale(a.held / 1000000.0)), clock_timestamp()
        from credit_accounts a where a.workspace_id = new.workspace_id and a.mode = new.mode;
        return null;
    end $$
    """,
    """
    create trigger credit_grants_tell_granted after insert on credit_grants for each row
        execute function tell_credits_granted()
    """,
)

# In the transaction that publishes, so each event is mailed of once. Nothing a customer wrote can make it fail: then
# nobody's events would be published any more.
MAILS = (
    """
    create function mail_of_events() returns trigger language plpgsql as $$
    begin
        if not exists (
            select from fresh where mode = 'live' and type in ('credits.low', 'credits.exhausted', 'task.failed'))
        then
            return null;
        end if;
        with told as materialized (
            select e.* from fresh f join events e on e.id = f.event_id
            where f.mode = 'live' and f.type in ('credits.low', 'credits.exhausted', 'task.failed')
                and e.created_at > now() - interval '1 day'  -- older ones are no news
        ), reachable as (
            select m.workspace_id, m.user_id, m.role, w.name as workspace, u.email, u.locale,
                   u.preferences -> 'notifications' as wanted
            from members m join users u on u.id = m.user_id join workspaces w on w.id = m.workspace_id
            where m.workspace_id in (select workspace_id from told) and w.deleted_at is null and u.status = 'active'
                and u.erase_at is null and u.email_verified_at is not null and u.email not like '%.invalid'
        ), due as (
            -- Who has fallen to zero by now is told that, and not also that there is little left.
            select new_id() as id, 'low_balance' as kind, r.email, r.locale, r.workspace_id, jsonb_build_object(
                'workspace', r.workspace, 'left', case when t.type = 'credits.low' then
                    trim_scale((t.data ->> 'balance')::numeric + (t.data ->> 'held')::numeric)::text end) as facts
            from told t join reachable r on r.workspace_id = t.workspace_id and r.role = 'owner'
            where (t.type = 'credits.exhausted' or t.type = 'credits.low'
                    and (t.data ->> 'balance')::numeric + (t.data ->> 'held')::numeric > 0
                    and not exists (select from told x where x.workspace_id = t.workspace_id
                        and x.type = 'credits.exhausted' and x.position > t.position))
                and r.wanted -> 'low_balance' is distinct from 'false'
            union all
            select new_id(), 'task_failed', * from (
                select distinct on (r.email) r.email, r.locale, r.workspace_id, jsonb_build_object(
                    'workspace', r.workspace, 'operation', t.data ->> 'operation', 'task', t.data ->> 'id',
                    'reason', t.data #>> '{error,message}')
                from told t join tasks k on k.id = t.task_id
                join reachable r on r.workspace_id = t.workspace_id and r.user_id = k.ordered_by
                where t.type = 'task.failed' and k.deleted_at is null
                    and r.wanted -> 'task_failed' is distinct from 'false' and not exists (
                        select from mails m where m.to_address = r.email and m.kind = 'task_failed'
                            and m.created_at > now() - interval '1 hour')
                order by r.email, t.position) one
        ), noted as (
            insert into events (id, workspace_id, mode, type, data, created_at)
            select id, workspace_id, 'live', 'mail.' || kind, jsonb_build_object('kind', kind), now() from due
        )
        insert into mails (id, kind, to_address, locale, facts, workspace_id, due_at, created_at)
        select id, kind, email, locale, facts, workspace_id, now(), now() from due;
        return null;
    end $$
    """,
    """
    create trigger feed_mail_of_events after insert on feed referencing new table as fresh
        for each statement execute function mail_of_events()
    """,
)

IN_SUBMIT_TASKS = (
    (
        "id, workspace_id, key_id, mode, operation, status, input,",
        "id, workspace_id, key_id, ordered_by, mode, operation, status, input,",
    ),
    (
        "select x.id, x.workspace_id, x.key_id, x.mode, x.operation,",
        "select x.id, x.workspace_id, x.key_id, x.ordered_by, x.mode, x.operation,",
    ),
    (
        "place int, id uuid, workspace_id uuid, key_id uuid, mode text, operation text, input jsonb,",
        "place int, id uuid, workspace_id uuid, key_id uuid, ordered_by uuid, mode text, operation text, input jsonb,",
    ),
)


def _replace(signature: str, places: tuple[tuple[str, str], ...]) -> None:
    """Make the function anew with these places replaced, each of which must be there once."""
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


def upgrade() -> None:
    op.add_column("credit_accounts", sa.Column("low_mark", sa.BigInteger(), server_default="2000000", nullable=False))
    op.create_check_constraint(op.f("ck_credit_accounts_low_mark"), "credit_accounts", "low_mark >= 0")
    op.add_column("tasks", sa.Column("ordered_by", sa.Uuid(), nullable=True))
    op.add_column("mails", sa.Column("workspace_id", sa.Uuid(), nullable=True))
    op.add_column("caught_mails", sa.Column("workspace_id", sa.Uuid(), nullable=True))
    for table in ("mails", "caught_mails"):
        op.execute(f"update {table} m set workspace_id = e.workspace_id from events e where e.id = m.id")
    op.create_index(op.f("ix_mails_workspace_id"), "mails", ["workspace_id"])
    for statement in (*ASSETS, *CREDITS, *MAILS):
        op.execute(statement)
    _replace("submit_tasks(jsonb)", IN_SUBMIT_TASKS)


def downgrade() -> None:
    _replace("submit_tasks(jsonb)", tuple((new, old) for old, new in reversed(IN_SUBMIT_TASKS)))
    op.execute("drop trigger feed_mail_of_events on feed")
    op.execute("drop function mail_of_events()")
    op.execute("drop trigger credit_grants_tell_granted on credit_grants")
    op.execute("drop function tell_credits_granted()")
    op.execute("drop trigger credit_accounts_tell_spent on credit_accounts")
    op.execute("drop function tell_credits_spent()")
    op.execute("drop function credits_shown(credit_accounts)")
    for when in ("deleted", "created", "added"):
        op.execute(f"drop trigger assets_tell_{when} on assets")
    op.execute("drop function tell_asset()")
    op.execute("drop function asset_shown(assets)")
    op.drop_index(op.f("ix_mails_workspace_id"), "mails")
    op.drop_column("caught_mails", "workspace_id")
    op.drop_column("mails", "workspace_id")
    op.drop_column("tasks", "ordered_by")
    op.drop_constraint(op.f("ck_credit_accounts_low_mark"), "credit_accounts")
    op.drop_column("credit_accounts", "low_mark")
