"""throttles that have to hold; who guesses passwords; those vouched for are settled"""

import sqlalchemy as sa
from alembic import op

revision = "a1c0de0b0920"
down_revision = "a1c0de00000b"
branch_labels = None
depends_on = None

# All or none: rows are locked in the order of their keys, and nothing is counted where one of them refuses.
THROTTLE_TAKE = """
    create function throttle_take(p_keys bytea[], p_counts int[], p_seconds float8[]) returns float8
    language plpgsql as $$
    declare
        one record;
        moment timestamptz;
        full_from timestamptz;
        wait float8 := 0;
    begin
        for one in
            select key, seconds, seconds / count as step
            from unnest(p_keys, p_counts, p_seconds) as wanted(key, count, seconds) order by key
        loop
            insert into throttles (key, full_at) values (one.key, clock_timestamp())
                on conflict (key) do update set full_at = throttles.full_at returning full_at into full_from;
            moment := clock_timestamp();
            wait := greatest(wait,
                extract(epoch from greatest(full_from, moment) - moment) + one.step - one.seconds);
        end loop;
        if wait > 1e-6 then
            return wait;
        end if;
        moment := clock_timestamp();
        update throttles set full_at = greatest(full_at, moment) + make_interval(secs => wanted.seconds / wanted.count)
            from unnest(p_keys, p_counts, p_seconds) as wanted(key, count, seconds) where throttles.key = wanted.key;
        return 0;
    end $$
"""
THROTTLE_GIVE_BACK = """
    create function throttle_give_back(p_keys bytea[], p_counts int[], p_seconds float8[]) returns void
    language plpgsql as $$
    begin
        perform 1 from throttles where key = any(p_keys) order by key for update;
        update throttles set full_at = full_at - make_interval(secs => wanted.seconds / wanted.count)
            from unnest(p_keys, p_counts, p_seconds) as wanted(key, count, seconds) where throttles.key = wanted.key;
    end $$
"""


def upgrade() -> None:
    op.create_table(
        "throttles",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("full_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_throttles")),
    )
    op.create_index(op.f("ix_throttles_full_at"), "throttles", ["full_at"], unique=False)
    for statement in (THROTTLE_TAKE, THROTTLE_GIVE_BACK):
        op.execute(statement)
    # Whoever was made on the command line has no password, and was vouched for by the operator.
    op.execute("update users set settled_at = email_verified_at where password_hash is null")


def downgrade() -> None:
    op.execute("drop function throttle_give_back(bytea[], int[], float8[])")
    op.execute("drop function throttle_take(bytea[], int[], float8[])")
    op.drop_index(op.f("ix_throttles_full_at"), table_name="throttles")
    op.drop_table("throttles")
