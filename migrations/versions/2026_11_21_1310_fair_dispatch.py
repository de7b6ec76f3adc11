"""queues of workspaces, slots by plan, and claiming fairly from them"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de000002"
down_revision = "a1c0de000011"
branch_labels = None
depends_on = None

# name, running tasks, queued tasks
PLANS = (("free", 20, 10_000), ("plus", 50, 20_000), ("pro", 200, 50_000), ("enterprise", 2_000, 200_000))

# Whoever changes a task's status changes its queue: the counts cannot drift. The order of locks is task, credit
# account, then batch and queue: change an account before the status.
COUNTING = (
    """
    create function count_in_queue(p_workspace uuid, p_mode text, p_lane text, p_queued int, p_running int)
    returns void language plpgsql as $$
    begin
        if p_queued = 0 and p_running = 0 then
            return;
        end if;
        update task_queues set queued = queued + p_queued, running = running + p_running
            where workspace_id = p_workspace and mode = p_mode and lane = p_lane;
        if not found then
            insert into task_queues as q (workspace_id, mode, lane, queued, running, slots, room)
            select p_workspace, p_mode, p_lane, p_queued, p_running, p.running_tasks, p.queued_tasks
            from workspaces w join plans p on p.name = w.plan where w.id = p_workspace
            on conflict (workspace_id, mode, lane) do update
                set queued = q.queued + excluded.queued, running = q.running + excluded.running;
        end if;
    end $$
    """,
    """
    create function count_new_tasks() returns trigger language plpgsql as $$
    begin
        perform count_in_queue(workspace_id, mode, lane, queued, running) from (
            select workspace_id, mode, lane, count(*) filter (where status = 'pending')::int as queued,
                   count(*) filter (where status in ('processing', 'reconciling'))::int as running
            from added group by workspace_id, mode, lane order by workspace_id, mode, lane) counted;
        return null;
    end $$
    """,
    """
    create trigger tasks_count_new after insert on tasks referencing new table as added
        for each statement execute function count_new_tasks()
    """,
    """
    create function count_changed_task() returns trigger language plpgsql as $$
    declare
        was_queued int := (old.status = 'pending')::int;
        was_running int := (old.status in ('processing', 'reconciling'))::int;
        is_queued int := (new.status = 'pending')::int;
        is_running int := (new.status in ('processing', 'reconciling'))::int;
    begin
        if old.lane = new.lane then
            perform count_in_queue(
                new.workspace_id, new.mode, new.lane, is_queued - was_queued, is_running - was_running);
        elsif old.lane < new.lane then  -- in the order of lanes: one changes from here to there, another back
            perform count_in_queue(old.workspace_id, old.mode, old.lane, -was_queued, -was_running);
            perform count_in_queue(new.workspace_id, new.mode, new.lane, is_queued, is_running);
        else
            perform count_in_queue(new.workspace_id, new.mode, new.lane, is_queued, is_running);
            perform count_in_queue(old.workspace_id, old.mode, old.lane, -was_queued, -was_running);
        end if;
        return null;
    end $$
    """,
    """
    create trigger tasks_count_changed after update on tasks for each row
        when (old.status is distinct from new.status or old.lane is distinct from new.lane)
        execute function count_changed_task()
    """,
)

# The limits in a queue's row are those of its workspace's plan, whoever changes either.
FOLLOWING = (
    """
    create function follow_plan() returns trigger language plpgsql as $$
    begin
        if tg_table_name = 'plans' then
            update task_queues q set slots = new.running_tasks, room = new.queued_tasks
                from workspaces w where w.id = q.workspace_id and w.plan = new.name;
        else
            update task_queues q set slots = p.running_tasks, room = p.queued_tasks
                from plans p where p.name = new.plan and q.workspace_id = new.id;
        end if;
        return null;
    end $$
    """,
    """
    create trigger plans_followed after update on plans for each row execute function follow_plan()
    """,
    """
    create trigger workspaces_follow after update of plan on workspaces for each row execute function follow_plan()
    """,
)


def upgrade() -> None:
    plans = op.create_table(
        "plans",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("running_tasks", sa.Integer(), nullable=False),
        sa.Column("queued_tasks", sa.Integer(), nullable=False),
        sa.CheckConstraint("running_tasks > 0 and queued_tasks > 0", name=op.f("ck_plans_limits")),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_plans")),
    )
    assert plans is not None
    op.bulk_insert(plans, [dict(zip(("name", "running_tasks", "queued_tasks"), plan, strict=True)) for plan in PLANS])
    op.add_column("workspaces", sa.Column("plan", sa.String(), server_default="free", nullable=False))
    op.create_table(
        "task_queues",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("mode", sa.String(), nullable=False),
        sa.Column("lane", sa.String(), nullable=False),
        sa.Column("queued", sa.Integer(), nullable=False),
        sa.Column("running", sa.Integer(), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.Column("room", sa.Integer(), nullable=False),
        sa.Column("served_at", sa.DateTime(timezone=True), server_default=sa.text("'-infinity'"), nullable=False),
        sa.CheckConstraint("queued >= 0 and running >= 0", name=op.f("ck_task_queues_counts")),
        sa.PrimaryKeyConstraint("workspace_id", "mode", "lane", name=op.f("pk_task_queues")),
    )
    op.create_index(
        "ix_task_queues_next",
        "task_queues",
        ["lane", "served_at"],
        postgresql_where=sa.text("queued > 0 and running < slots"),
    )
    op.add_column("tasks", sa.Column("lane", sa.String(), server_default="remote", nullable=False))
    op.add_column("tasks", sa.Column("batch_index", sa.Integer(), nullable=True))
    op.execute("update tasks set lane = 'local' where route -> route_index ->> 'provider' = 'local'")
    op.drop_index("ix_tasks_due", table_name="tasks")
    op.create_index(
        "ix_tasks_due",
        "tasks",
        ["lane", "wake_at"],
        postgresql_where=sa.text("status in ('processing', 'reconciling')"),
    )
    op.create_index(
        "ix_tasks_queued",
        "tasks",
        ["workspace_id", "mode", "lane", "id"],
        postgresql_where=sa.text("status = 'pending'"),
    )
    op.create_index(
        "ix_tasks_batch", "tasks", ["batch_id", "batch_index"], postgresql_where=sa.text("batch_id is not null")
    )
    op.add_column("task_attempts", sa.Column("part", sa.Integer(), server_default="0", nullable=False))
    op.add_column("task_attempts", sa.Column("asset_ids", sa.ARRAY(sa.Uuid()), server_default="{}", nullable=False))
    op.add_column("events", sa.Column("batch_id", sa.Uuid(), nullable=True))
    op.create_index(
        "ix_events_batch", "events", ["batch_id", "position"], postgresql_where=sa.text("batch_id is not null")
    )
    for statement in COUNTING + FOLLOWING:
        op.execute(statement)
    op.execute(
        """
        insert into task_queues (workspace_id, mode, lane, queued, running, slots, room)
        select t.workspace_id, t.mode, t.lane, count(*) filter (where t.status = 'pending'),
               count(*) filter (where t.status <> 'pending'), p.running_tasks, p.queued_tasks
        from tasks t join workspaces w on w.id = t.workspace_id join plans p on p.name = w.plan
        where t.status in ('pending', 'processing', 'reconciling')
        group by t.workspace_id, t.mode, t.lane, p.running_tasks, p.queued_tasks
        """
    )


def downgrade() -> None:
    op.execute("drop trigger workspaces_follow on workspaces")
    op.execute("drop trigger plans_followed on plans")
    op.execute("drop function follow_plan()")
    op.execute("drop trigger tasks_count_changed on tasks")
    op.execute("drop trigger tasks_count_new on tasks")
    op.execute("drop function count_changed_task()")
    op.execute("drop function count_new_tasks()")
    op.execute("drop function count_in_queue(uuid, text, text, int, int)")
    op.drop_index("ix_events_batch", table_name="events")
    op.drop_column("events", "batch_id")
    op.drop_column("task_attempts", "asset_ids")
    op.drop_column("task_attempts", "part")
    op.drop_index("ix_tasks_batch", table_name="tasks")
    op.drop_index("ix_tasks_queued", table_name="tasks")
    op.drop_index("ix_tasks_due", table_name="tasks")
    op.create_index(
        "ix_tasks_due",
        "tasks",
        ["wake_at"],
        postgresql_where=sa.text("status in ('pending', 'processing', 'reconciling')"),
    )
    op.drop_column("tasks", "batch_index")
    op.drop_column("tasks", "lane")
    op.drop_table("task_queues")
    op.drop_column("workspaces", "plan")
    op.drop_table("plans")
