"""the event log is kept by weeks, and its events are put in one order once they are committed"""

from alembic import op

revision = "a1c0de0b1000"
down_revision = "a1c0de0b0985"
branch_labels = None
depends_on = None

# Partitions go by the id, which begins with its time, and are named by the day they end before: whole weeks. What is
# of another time than the clock has (a skewed clock, or nobody made the next weeks) is in the one for the rest.
FUNCTIONS = {
    "id_from(timestamptz)": """
    -- The least id made at that time or later.
    create function id_from(p_time timestamptz) returns uuid language sql immutable parallel safe as $$
        select (lpad(to_hex(floor(extract(epoch from p_time) * 1000)::bigint), 12, '0') || repeat('0', 20))::uuid
    $$
    """,
    "id_floor(uuid)": """
    -- No event of what has this id has a lesser one; clocks may differ by an hour. Of an id without a time: the least.
    create function id_floor(p_id uuid) returns uuid language sql immutable parallel safe as $$
        select case when substr(p_id::text, 15, 1) = '7' then id_from(
            to_timestamp(('x' || substr(p_id::text, 1, 8) || substr(p_id::text, 10, 4))::bit(48)::bigint / 1000.0)
            - interval '1 hour') else '00000000-0000-0000-0000-000000000000'::uuid end
    $$
    """,
    "add_weeks(text, int)": """
    -- Partitions of the table for this week and some more; what waited for them elsewhere moves there.
    create function add_weeks(p_table text, p_ahead int) returns int language plpgsql
        set lock_timeout = '2s' set timezone = 'UTC' as $$
    declare
        added int := 0;
        key text := (
            select a.attname from pg_index i join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
            where i.indrelid = p_table::regclass and i.indisprimary);
        ends date;
        part text;
    begin
        perform pg_advisory_xact_lock(hashtext('weeks'));
        for week in 1 .. p_ahead + 1 loop
            ends := date_trunc('week', now())::date + 7 * week;
            part := p_table || '_until_' || to_char(ends, 'YYYYMMDD');
            continue when to_regclass(part) is not null;
            execute format('create table %I (like %I including all)', part, p_table);
            execute format(
                'with late as (delete from %I where %I >= %L and %I < %L returning *)
                 insert into %I select * from late',
                p_table || '_rest', key, id_from(ends - 7), key, id_from(ends), part);
            execute format('alter table %I attach partition %I for values from (%L) to (%L)',
                p_table, part, id_from(ends - 7), id_from(ends));
            added := added + 1;
        end loop;
        return added;
    end $$
    """,
    "drop_weeks(text, interval)": """
    -- Drop the partitions of the table that ended longer ago; the names of those.
    create function drop_weeks(p_table text, p_keep interval) returns setof text language plpgsql
        set lock_timeout = '2s' set timezone = 'UTC' as $$
    declare
        part record;
    begin
        for part in
            select c.relname as name, to_date(right(c.relname, 8), 'YYYYMMDD') as ends
            from pg_inherits i join pg_class c on c.oid = i.inhrelid
            where i.inhparent = p_table::regclass and c.relname ~ '_until_[0-9]{8}$'
            and to_date(right(c.relname, 8), 'YYYYMMDD') <= now() - p_keep order by 2
        loop
            execute format('drop table %I', part.name);
            if p_table = 'events' then
                update event_log set kept_since = greatest(kept_since, part.ends);
            end if;
            return next part.name;
        end loop;
    end $$
    """,
    "note_unpublished()": """
    create function note_unpublished() returns trigger language plpgsql as $$
    begin
        insert into event_outbox (position, event_id, workspace_id, mode, type)
        select position, id, workspace_id, mode, type from fresh where type not like 'mail.%';
        return null;
    end $$
    """,
    "publish_events(int)": """
    -- Put events that are committed in the one order everybody reads them in. `published` is null when somebody else is
    -- at it; `whose` are their workspaces and modes. Of one task the events are committed in the order of their
    -- positions, for each writer holds its row; so a later one is never seen here before an earlier one.
    create function publish_events(p_most int, out published int, out whose text[]) language plpgsql
        set enable_seqscan = off as $$
    declare
        last bigint;
    begin
        select number into last from event_log for update skip locked;
        if not found then
            return;
        end if;
        with taken as (
            delete from event_outbox
            where position in (select position from event_outbox order by position limit p_most) returning *
        ), put as (
            insert into feed (number, event_id, workspace_id, mode, type)
            select last + row_number() over (order by position), event_id, workspace_id, mode, type
            from taken order by position
            returning workspace_id || ':' || mode as whose
        )
        select count(*), array_agg(distinct put.whose) into published, whose from put;
        if published > 0 then
            update event_log set number = last + published;
        end if;
    end $$
    """,
}

TABLES = (
    "alter table events rename to events_until_{ends}",
    "alter table events_until_{ends} alter position drop identity",
    "drop trigger events_number_of_batch on events_until_{ends}",
    "alter table events_until_{ends} drop constraint pk_events",
    "alter table events_until_{ends} add constraint pk_events_until_{ends} primary key using index ix_events_by_id",
    "alter table events_until_{ends} drop constraint uq_events_id",
    "alter index ix_events_task_id_position rename to ix_events_until_{ends}_task",
    "alter index ix_events_workspace_id_position rename to ix_events_until_{ends}_workspace",
    "alter index ix_events_batch rename to ix_events_until_{ends}_batch",
    "create sequence events_position_seq",
    "select setval('events_position_seq', coalesce((select max(position) from events_until_{ends}), 0) + 1)",
    "alter table events_until_{ends} alter position set default nextval('events_position_seq')",
    """
    create table events (
        like events_until_{ends} including defaults,
        constraint pk_events primary key (id)
    ) partition by range (id)
    """,
    "create index ix_events_task_id_position on events (task_id, position)",
    "create index ix_events_workspace_id_position on events (workspace_id, position)",
    "create index ix_events_batch on events (batch_id, position) where batch_id is not null",
    "alter table events attach partition events_until_{ends} for values from (minvalue) to ('{bound}')",
    "create table events_rest partition of events default",
    """
    create trigger events_number_of_batch before insert on events for each row
        when (new.batch_id is not null) execute function number_batch_event()
    """,
    """
    create table event_log (
        only_one boolean not null default true, number bigint not null default 0,
        kept_since timestamptz,
        constraint pk_event_log primary key (only_one), constraint ck_event_log_only_one check (only_one)
    )
    """,
    "insert into event_log default values",
    """
    create table event_outbox (
        position bigint not null, event_id uuid not null, workspace_id uuid not null, mode varchar not null,
        type varchar not null, constraint pk_event_outbox primary key (position)
    ) with (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000)
    """,
    """
    create table feed (
        number bigint not null, event_id uuid not null, workspace_id uuid not null, mode varchar not null,
        type varchar not null, constraint pk_feed primary key (event_id)
    ) partition by range (event_id)
    """,
    "create index ix_feed_workspace_id_mode_number on feed (workspace_id, mode, number)",
    "create table feed_until_{ends} partition of feed for values from (minvalue) to ('{bound}')",
    "create table feed_rest partition of feed default",
    """
    insert into event_outbox select position, id, workspace_id, mode, type from events
    where type not like 'mail.%' and created_at > now() - interval '30 days'
    """,
    """
    create trigger events_note_unpublished after insert on events referencing new table as fresh
        for each statement execute function note_unpublished()
    """,
    "select add_weeks('events', 2), add_weeks('feed', 2)",
    # Keys that may read tasks may read what is told of tasks.
    "update api_keys set scopes = scopes || array['events:read'] where 'tasks:read' = any (scopes)",
)

BACK = (
    "create table events_again (like events including defaults)",
    "insert into events_again select * from events",
    "drop table events",
    "alter table events_again alter position drop default",
    "drop sequence events_position_seq",
    "alter table events_again rename to events",
    "alter table events add constraint pk_events primary key (position)",
    "alter table events add constraint uq_events_id unique (id)",
    "alter table events alter position add generated always as identity",
    "select setval(pg_get_serial_sequence('events', 'position'), coalesce((select max(position) from events), 0) + 1)",
    "create index ix_events_task_id_position on events (task_id, position)",
    "create index ix_events_workspace_id_position on events (workspace_id, position)",
    "create index ix_events_batch on events (batch_id, position) where batch_id is not null",
    """
    create trigger events_number_of_batch before insert on events for each row
        when (new.batch_id is not null) execute function number_batch_event()
    """,
    "drop table feed, event_outbox, event_log",
    "update api_keys set scopes = array_remove(scopes, 'events:read')",
)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute("create unique index concurrently if not exists ix_events_by_id on events (id)")
    for function in FUNCTIONS.values():
        op.execute(function)
    week = "select to_char(ends, 'YYYYMMDD'), id_from(ends) from (select date_trunc('week', now(), 'UTC') + '7 days')"
    ends, bound = op.get_bind().exec_driver_sql(f"{week} as w (ends)").one()
    for statement in TABLES:
        op.execute(statement.format(ends=ends, bound=bound))


def downgrade() -> None:
    for statement in BACK:
        op.execute(statement)
    for function in reversed(FUNCTIONS):
        op.execute(f"drop function {function}")
