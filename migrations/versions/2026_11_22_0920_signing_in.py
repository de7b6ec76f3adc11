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

# An attempt counts as a failure from its beginning, so that many at once are no more than one after the other.
SIGN_IN_BEGIN = """
    create function sign_in_begin(p_pair bytea, p_most int, p_seconds float8, p_network bytea, p_network_most int,
        p_account bytea, p_account_most int, p_limit_seconds float8, p_captcha_after int, p_is_human bool,
        out outcome text, out wait float8, out is_known bool)
    language plpgsql as $$
    declare
        g sign_in_guards;
        moment timestamptz;
    begin
        insert into sign_in_guards (key, failures, forget_at)
            values (p_pair, 0, now() + make_interval(secs => p_seconds))
            on conflict (key) do update set failures = sign_in_guards.failures returning * into g;
        moment := clock_timestamp();
        wait := 0;
        is_known := g.known_at is not null;
        if g.locked_until > moment then
            outcome := 'locked';
            wait := extract(epoch from g.locked_until - moment);
            return;
        end if;
        if g.locked_until is not null or g.failed_at + make_interval(secs => p_seconds) <= moment then
            g.failures := 0;
            g.locked_until := null;
        end if;
        if g.failures >= p_captcha_after and not p_is_human then
            outcome := 'captcha';
            return;
        end if;
        if not is_known then
            if p_network is not null then
                wait := throttle_take(array[p_network], array[p_network_most], array[p_limit_seconds]);
            end if;
            if wait > 0 then
                outcome := 'locked';
            elsif not p_is_human then
                wait := throttle_take(array[p_account], array[p_account_most], array[p_limit_seconds]);
                if wait > 0 then
                    outcome := case when p_captcha_after is null then 'locked' else 'captcha' end;
                    if p_network is not null then
                        perform throttle_give_back(array[p_network], array[p_network_most], array[p_limit_seconds]);
                    end if;
                end if;
            end if;
            if outcome is not null then
                delete from sign_in_guards where key = p_pair and failed_at is null;  -- it says nothing
                return;
            end if;
        end if;
        g.failures := g.failures + 1;
        if g.failures >= p_most then
            g.locked_until := moment + make_interval(secs => p_seconds);
        end if;
        update sign_in_guards set failures = g.failures, failed_at = moment, locked_until = g.locked_until,
            forget_at = greatest(forget_at, moment + make_interval(secs => p_seconds)) where key = p_pair;
        outcome := case when g.locked_until is null then 'go' else 'last' end;
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
    op.create_table(
        "sign_in_guards",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("locked_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("known_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("forget_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_sign_in_guards")),
    )
    op.create_index(op.f("ix_sign_in_guards_forget_at"), "sign_in_guards", ["forget_at"], unique=False)
    for statement in (THROTTLE_TAKE, THROTTLE_GIVE_BACK, SIGN_IN_BEGIN):
        op.execute(statement)
    # Whoever was made on the command line has no password, and was vouched for by the operator.
    op.execute("update users set settled_at = email_verified_at where password_hash is null")


def downgrade() -> None:
    op.execute("drop function sign_in_begin(bytea, int, float8, bytea, int, bytea, int, float8, int, bool)")
    op.drop_index(op.f("ix_sign_in_guards_forget_at"), table_name="sign_in_guards")
    op.drop_table("sign_in_guards")
    op.execute("drop function throttle_give_back(bytea[], int[], float8[])")
    op.execute("drop function throttle_take(bytea[], int[], float8[])")
    op.drop_index(op.f("ix_throttles_full_at"), table_name="throttles")
    op.drop_table("throttles")
