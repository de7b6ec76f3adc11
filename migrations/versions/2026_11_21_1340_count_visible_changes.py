"""`tasks.version` counts every change of the row that a reader can see, whoever makes it"""

from alembic import op

revision = "a1c0de000005"
down_revision = "a1c0de000004"
branch_labels = None
depends_on = None

# Writers may count up themselves; the count never goes back, and one that forgets is made good.
STATEMENTS = (
    """
    create function count_visible_change() returns trigger language plpgsql as $$
    begin
        new.version := old.version + 1;
        return new;
    end $$
    """,
    """
    create trigger tasks_count_visible_change before update on tasks for each row
        when (
            (old.version, old.status, old.provider, old.charged, old.balance, old.estimated_seconds, old.output_ids,
             old.error, old.batch_id, old.started_at, old.completed_at, old.metadata, old.deleted_at)
            is distinct from
            (new.version, new.status, new.provider, new.charged, new.balance, new.estimated_seconds, new.output_ids,
             new.error, new.batch_id, new.started_at, new.completed_at, new.metadata, new.deleted_at))
        execute function count_visible_change()
    """,
)


def upgrade() -> None:
    for statement in STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger tasks_count_visible_change on tasks")
    op.execute("drop function count_visible_change()")
