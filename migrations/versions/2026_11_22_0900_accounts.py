"""users who sign in, members, invitations, sessions, identities elsewhere, proofs by mail, the audit log"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "a1c0de00000b"
down_revision = "a1c0de00000a"
branch_labels = None
depends_on = None

CARRY_OVER = (
    # Whoever was made on the command line was vouched for by the operator.
    "update users set email_verified_at = created_at",
    """
    insert into members (workspace_id, user_id, role, created_at)
    select id, owner_id, 'owner', created_at from workspaces
    """,
)

# What an entry is, as bytes that can be read in one way only. What it says of persons is in it as a salted hash.
AUDIT_HASH = """
    create function audit_hash(e audit_entries) returns bytea language sql immutable as $$
        select sha256(e.previous_hash || convert_to(jsonb_build_array(
            e.chain, e.number, e.id, e.workspace_id, e.actor_kind, e.actor_id, e.key_id, e.action, e.target_kind,
            e.target_id, encode(e.details_hash, 'hex'), extract(epoch from e.created_at))::text, 'UTF8'))
    $$
"""
AUDIT_DETAILS_HASH = """
    create function audit_details_hash(d audit_details) returns bytea language sql immutable as $$
        select sha256(d.salt || convert_to(jsonb_build_array(d.ip, d.user_agent, d.data)::text, 'UTF8'))
    $$
"""
AUDIT_APPEND = """
    create function audit_append(p jsonb) returns void language plpgsql as $$
    declare
        e audit_entries := jsonb_populate_record(null::audit_entries, p);
        d audit_details := jsonb_populate_record(null::audit_details, p);
    begin
        d.entry_id := e.id;
        d.salt := uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid());
        e.created_at := date_trunc('milliseconds', clock_timestamp());
        e.details_hash := audit_details_hash(d);
        insert into audit_chains values (e.chain, 0, '') on conflict do nothing;
        select number + 1, hash into e.number, e.previous_hash from audit_chains where chain = e.chain for update;
        e.hash := audit_hash(e);
        update audit_chains set number = e.number, hash = e.hash where chain = e.chain;
        insert into audit_entries values (e.*);
        insert into audit_details values (d.*);
    end $$
"""
GUARDS = (
    """
    create trigger audit_entries_append_only before update or delete on audit_entries
        for each row execute function refuse_change()
    """,
    """
    create trigger audit_entries_no_truncate before truncate on audit_entries
        for each statement execute function refuse_change()
    """,
    """
    create trigger audit_details_no_change before update on audit_details
        for each row execute function refuse_change()
    """,
    "alter table audit_entries enable always trigger audit_entries_append_only",
    "alter table audit_entries enable always trigger audit_entries_no_truncate",
    "alter table audit_details enable always trigger audit_details_no_change",
)


def upgrade() -> None:
    op.create_table(
        "audit_details",
        sa.Column("entry_id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("data", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_audit_details")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=True),
        sa.Column("actor_kind", sa.String(), nullable=False),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.Column("key_id", sa.Uuid(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target_kind", sa.String(), nullable=True),
        sa.Column("target_id", sa.Uuid(), nullable=True),
        sa.Column("details_hash", sa.LargeBinary(), nullable=False),
        sa.Column("previous_hash", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
        sa.UniqueConstraint("chain", "number", name=op.f("uq_audit_entries_chain_number")),
    )
    op.create_index(
        op.f("ix_audit_entries_actor_id_created_at"), "audit_entries", ["actor_id", "created_at"], unique=False
    )
    op.create_index(
        "ix_audit_entries_newest",
        "audit_entries",
        ["workspace_id", sa.literal_column("created_at desc"), sa.literal_column("id desc")],
        unique=False,
    )
    op.create_table(
        "audit_chains",
        sa.Column("chain", sa.Uuid(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("chain", name=op.f("pk_audit_chains")),
    )
    op.create_table(
        "mails",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("to_address", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("facts", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("token_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("status", sa.String(), server_default="pending", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("status in ('pending', 'sent', 'failed', 'expired')", name=op.f("ck_mails_status")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mails")),
    )
    op.create_index("ix_mails_due", "mails", ["due_at"], unique=False, postgresql_where=sa.text("status = 'pending'"))
    op.create_index(op.f("ix_mails_to_address"), "mails", ["to_address"], unique=False)
    op.create_table(
        "identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_identities_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_identities")),
        sa.UniqueConstraint("issuer", "subject", name=op.f("uq_identities_issuer_subject")),
    )
    op.create_index(op.f("ix_identities_user_id"), "identities", ["user_id"], unique=False)
    op.create_table(
        "proofs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("session_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_proofs_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proofs")),
    )
    op.create_index(op.f("ix_proofs_expires_at"), "proofs", ["expires_at"], unique=False)
    op.create_index(op.f("ix_proofs_user_id_purpose"), "proofs", ["user_id", "purpose"], unique=False)
    op.create_table(
        "sessions",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("rotated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_reason", sa.String(), nullable=True),
        sa.CheckConstraint("kind in ('bearer', 'cookie')", name=op.f("ck_sessions_kind")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sessions_user_id_users")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id_created_at"), "sessions", ["user_id", "created_at"], unique=False)
    op.create_table(
        "invitations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("invited_by", sa.Uuid(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name=op.f("ck_invitations_role")),
        sa.ForeignKeyConstraint(["invited_by"], ["users.id"], name=op.f("fk_invitations_invited_by_users")),
        sa.ForeignKeyConstraint(
            ["workspace_id"], ["workspaces.id"], name=op.f("fk_invitations_workspace_id_workspaces")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
    )
    op.create_index(
        "uq_invitations_open",
        "invitations",
        ["workspace_id", sa.literal_column("lower(email)")],
        unique=True,
        postgresql_where=sa.text("accepted_at is null and revoked_at is null"),
    )
    op.create_table(
        "members",
        sa.Column("workspace_id", sa.Uuid(), nullable=False),
        sa.Column("user_id", sa.Uuid(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("role in ('owner', 'admin', 'member', 'viewer')", name=op.f("ck_members_role")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_members_user_id_users")),
        sa.ForeignKeyConstraint(["workspace_id"], ["workspaces.id"], name=op.f("fk_members_workspace_id_workspaces")),
        sa.PrimaryKeyConstraint("workspace_id", "user_id", name=op.f("pk_members")),
    )
    op.create_index(op.f("ix_members_user_id"), "members", ["user_id"], unique=False)
    op.add_column("users", sa.Column("canonical_email", sa.String(), nullable=True))
    op.add_column("users", sa.Column("email_verified_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("password_hash", sa.String(), nullable=True))
    op.add_column("users", sa.Column("password_changed_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("users", sa.Column("name", sa.String(), nullable=True))
    op.add_column("users", sa.Column("locale", sa.String(), server_default="en", nullable=False))
    op.add_column(
        "users", sa.Column("preferences", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False)
    )
    op.add_column("users", sa.Column("erase_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index("ix_users_canonical_email", "users", ["canonical_email"], unique=False)
    op.add_column("workspaces", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.alter_column("workspaces", "owner_id", existing_type=sa.UUID(), nullable=True)
    op.create_check_constraint(op.f("ck_workspaces_owner"), "workspaces", "kind = 'team' or owner_id is not null")
    op.drop_constraint(op.f("ck_users_status"), "users")
    op.create_check_constraint(op.f("ck_users_status"), "users", "status in ('active', 'suspended', 'erased')")
    for statement in (*CARRY_OVER, AUDIT_HASH, AUDIT_DETAILS_HASH, AUDIT_APPEND, *GUARDS):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop function audit_append(jsonb)")
    op.execute("drop function audit_hash(audit_entries)")
    op.execute("drop function audit_details_hash(audit_details)")
    op.drop_table("audit_chains")
    op.drop_constraint(op.f("ck_users_status"), "users")
    op.create_check_constraint(op.f("ck_users_status"), "users", "status in ('active', 'suspended')")
    op.drop_constraint(op.f("ck_workspaces_owner"), "workspaces")
    op.alter_column("workspaces", "owner_id", existing_type=sa.UUID(), nullable=False)
    op.drop_column("workspaces", "deleted_at")
    op.drop_index("ix_users_canonical_email", table_name="users")
    op.drop_column("users", "erase_at")
    op.drop_column("users", "preferences")
    op.drop_column("users", "locale")
    op.drop_column("users", "name")
    op.drop_column("users", "password_changed_at")
    op.drop_column("users", "password_hash")
    op.drop_column("users", "settled_at")
    op.drop_column("users", "email_verified_at")
    op.drop_column("users", "canonical_email")
    op.drop_index(op.f("ix_members_user_id"), table_name="members")
    op.drop_table("members")
    op.drop_index(
        "uq_invitations_open",
        table_name="invitations",
        postgresql_where=sa.text("accepted_at is null and revoked_at is null"),
    )
    op.drop_table("invitations")
    op.drop_index(op.f("ix_sessions_user_id_created_at"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("ix_proofs_user_id_purpose"), table_name="proofs")
    op.drop_index(op.f("ix_proofs_expires_at"), table_name="proofs")
    op.drop_table("proofs")
    op.drop_index(op.f("ix_identities_user_id"), table_name="identities")
    op.drop_table("identities")
    op.drop_index(op.f("ix_mails_to_address"), table_name="mails")
    op.drop_index("ix_mails_due", table_name="mails", postgresql_where=sa.text("status = 'pending'"))
    op.drop_table("mails")
    op.drop_index("ix_audit_entries_newest", table_name="audit_entries")
    op.drop_index(op.f("ix_audit_entries_actor_id_created_at"), table_name="audit_entries")
    op.drop_table("audit_entries")
    op.drop_table("audit_details")
