"""how long tasks take: history by operation, model and size, and when a waiting one may begin"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de000012"
down_revision = "a1c0de000002"
branch_labels = None
depends_on = None

# When a task with this place in its queue begins, as far as can be known: the free slots are filled now, and then one
# round of as many as there are slots after another. Counted from the queue's last service, so that the answer changes
# only when the queue moves.
ESTIMATED_START = """
create function estimated_start(
    p_place bigint, p_slots int, p_running int, p_served_at timestamptz, p_created_at timestamptz, p_seconds int)
returns timestamptz language sql immutable parallel safe as $$
    select greatest(p_served_at, p_created_at)
        + make_interval(secs => p_seconds
            * ceil(greatest(p_place - greatest(p_slots - p_running, 0), 0)::float8 / p_slots))
$$
"""

RECORD = """
create function record_durations(p_rows jsonb) returns void language sql as $$
    insert into task_durations as d (operation, provider, model, size_class, runs, mean_seconds)
    select x.operation, x.provider, x.model, x.size_class, x.runs, x.total_seconds / x.runs
    from jsonb_to_recordset(p_rows) as x (
        operation text, provider text, model text, size_class smallint, runs bigint, total_seconds float8)
    order by 1, 2, 3, 4
    on conflict (operation, provider, model, size_class) do update set
        runs = d.runs + excluded.runs,
        mean_seconds = d.mean_seconds + (excluded.mean_seconds - d.mean_seconds)
            * excluded.runs / (least(d.runs, 50) + excluded.runs)
$$
"""


def upgrade() -> None:
    op.create_table(
        "task_durations",
        sa.Column("operation", sa.String(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("size_class", sa.SmallInteger(), nullable=False),
        sa.Column("runs", sa.BigInteger(), nullable=False),
        sa.Column("mean_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("operation", "provider", "model", "size_class", name=op.f("pk_task_durations")),
    )
    op.add_column("tasks", sa.Column("size_class", sa.SmallInteger(), server_default="0", nullable=False))
    op.execute(ESTIMATED_START)
    op.execute(RECORD)


def downgrade() -> None:
    op.execute("drop function record_durations(jsonb)")
    op.execute("drop function estimated_start(bigint, int, int, timestamptz, timestamptz, int)")
    op.drop_column("tasks", "size_class")
    op.drop_table("task_durations")
