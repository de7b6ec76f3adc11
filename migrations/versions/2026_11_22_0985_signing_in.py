"""a session is begun by one statement"""

from alembic import op

revision = "a1c0de0b0985"
down_revision = "a1c0de0b0980"
branch_labels = None
depends_on = None

# Who is signed in, and in which state, does not change between the look and the session: both under one lock.
SESSION_START = """
    create function session_start(
        p_session jsonb, p_password_changed_at timestamptz, p_entry jsonb, out outcome text, out workspace_id uuid)
    language plpgsql as $$
    declare
        s sessions := jsonb_populate_record(null::sessions, p_session);
        u users;
    begin
        select * into u from users where id = s.user_id for share;
        outcome := case when u.status is distinct from 'active' then 'refused'
                        when u.password_changed_at is distinct from p_password_changed_at then 'changed'
                        else 'started' end;
        if outcome <> 'started' then
            return;
        end if;
        insert into sessions values (s.*);
        select w.id into strict workspace_id from workspaces w where w.owner_id = u.id and w.kind = 'personal';
        if p_entry is not null then
            perform audit_append(p_entry || jsonb_build_object('chain', workspace_id, 'workspace_id', workspace_id));
        end if;
    end $$
"""


def upgrade() -> None:
    op.execute(SESSION_START)


def downgrade() -> None:
    op.execute("drop function session_start(jsonb, timestamptz, jsonb)")
