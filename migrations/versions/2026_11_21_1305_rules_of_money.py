"""the rules of money as functions of the database

Every function locks the credit account first, so all that happens to one account happens one after another. A hold
keeps parts of grants: `grant_ids` and `grant_amounts`, in the order they are burned. Of these parts an open hold keeps
`amount`, a captured one `captured - refunded`, a released one nothing, each filled from the first part on; whatever it
keeps no longer is given back. docs/decisions/0006 says why.
"""

from alembic import op

revision = "a1c0de000011"
down_revision = "a1c0de000001"
branch_labels = None
depends_on = None

FUNCTIONS = {
    "new_id()": """
    -- A UUIDv7, as the application makes them: the newest rows of an index stay together however large it is.
    create function new_id() returns uuid language sql volatile parallel safe as $$
        select encode(set_bit(set_bit(overlay(uuid_send(gen_random_uuid()) placing
            substring(int8send((extract(epoch from clock_timestamp()) * 1000)::bigint) from 3) from 1 for 6),
            52, 1), 53, 1), 'hex')::uuid
    $$
    """,
    "ledger_post(uuid, text, text, bigint, bigint, bigint, timestamptz, uuid, text, text)": """
    -- A movement of credits: the account's row and the next entry of its history. Returns the balance then. The
    -- account may hold credits that expire at p_expires.
    create function ledger_post(
        p_workspace uuid, p_mode text, p_kind text, p_amount bigint, p_balance bigint, p_held bigint,
        p_expires timestamptz, p_task uuid, p_reason text, p_reference text)
    returns bigint language plpgsql as $$
    declare
        is_in boolean := p_kind in ('grant', 'purchase', 'refund');
        book text := case p_kind when 'grant' then 'promotions' when 'purchase' then 'sales'
                                 when 'expiry' then 'expired' else 'usage' end;
        a record;
    begin
        update credit_accounts set
            balance = balance + p_balance, held = held + p_held, entries = entries + 1,
            total_earned = total_earned + case when p_kind in ('grant', 'purchase') then p_amount else 0 end,
            total_spent = total_spent
                + case p_kind when 'capture' then p_amount when 'refund' then -p_amount else 0 end,
            next_expiry_at = least(next_expiry_at, p_expires)
            where workspace_id = p_workspace and mode = p_mode
            returning balance, balance + held as posted, entries into strict a;
        insert into credit_transfers (
            id, workspace_id, mode, entry, kind, debit, credit, amount, balance_before, balance_after, reason, task_id,
            reference, created_at)
        values (
            new_id(), p_workspace, p_mode, a.entries, p_kind, case when is_in then book else 'customer' end,
            case when is_in then 'customer' else book end, p_amount,
            a.posted - case when is_in then p_amount else -p_amount end, a.posted, p_reason, p_task, p_reference,
            clock_timestamp());
        return a.balance;
    end $$
    """,
    "ledger_grant(uuid, text, text, bigint, text, text, int, timestamptz)": """
    -- Give credits: the grant's id, or NULL when there is one of this kind and reference already.
    create function ledger_grant(
        p_workspace uuid, p_mode text, p_kind text, p_amount bigint, p_reason text, p_reference text,
        p_priority int default 0, p_expires timestamptz default null)
    returns uuid language plpgsql as $$
    declare
        grant_id uuid := new_id();
    begin
        perform 1 from credit_accounts where workspace_id = p_workspace and mode = p_mode for no key update;
        if exists (select 1 from credit_grants where reference = p_reference and kind = p_kind) then
            return null;
        end if;
        perform ledger_post(
            p_workspace, p_mode, p_kind, p_amount, p_amount, 0, p_expires, null, p_reason, p_reference);
        insert into credit_grants (
            id, workspace_id, mode, kind, amount, remaining, expired, priority, expires_at, reason, reference,
            created_at)
        values (
            grant_id, p_workspace, p_mode, p_kind, p_amount, p_amount, 0, p_priority, p_expires, p_reason,
            p_reference, clock_timestamp());
        return grant_id;
    end $$
    """,
    "ledger_open(uuid, text, bigint, text)": """
    -- Make the account with its first grant, where it is not there yet.
    create function ledger_open(p_workspace uuid, p_mode text, p_welcome bigint, p_reason text)
    returns void language plpgsql as $$
    begin
        insert into credit_accounts (
            workspace_id, mode, balance, held, total_earned, total_spent, entries, created_at)
        values (p_workspace, p_mode, 0, 0, 0, 0, 0, clock_timestamp()) on conflict do nothing;
        if found and p_welcome > 0 then
            perform ledger_grant(
                p_workspace, p_mode, 'grant', p_welcome, p_reason, 'signup:' || p_workspace || ':' || p_mode);
        end if;
    end $$
    """,
    "ledger_expire(uuid, text)": """
    -- Take what is past its expiry: the balance then, or NULL when there is no account. Held credits do not expire.
    create function ledger_expire(p_workspace uuid, p_mode text) returns bigint language plpgsql as $$
    declare
        a record;
        g record;
        v_now timestamptz;
    begin
        select balance, next_expiry_at into a from credit_accounts
            where workspace_id = p_workspace and mode = p_mode for no key update;
        v_now := clock_timestamp();
        if a.next_expiry_at is null or a.next_expiry_at > v_now then
            return a.balance;
        end if;
        for g in
            select id, remaining, expired, reason from credit_grants
            where workspace_id = p_workspace and mode = p_mode and live and expires_at <= v_now
            order by expires_at, id
        loop
            update credit_grants set remaining = 0, expired = expired + g.remaining where id = g.id;
            perform ledger_post(
                p_workspace, p_mode, 'expiry', g.remaining, -g.remaining, 0, null, null, 'Expired: ' || g.reason,
                g.id || ':' || g.expired + g.remaining);
        end loop;
        update credit_accounts set next_expiry_at = (
            select min(expires_at) from credit_grants where workspace_id = p_workspace and mode = p_mode and live)
            where workspace_id = p_workspace and mode = p_mode
            returning balance into a.balance;
        return a.balance;
    end $$
    """,
    "ledger_hold(uuid, text, uuid, bigint, uuid)": """
    -- Set p_amount aside for a task: the balance left, or NULL when it is not covered or there is no account.
    create function ledger_hold(p_workspace uuid, p_mode text, p_task uuid, p_amount bigint, p_hold uuid default null)
    returns bigint language plpgsql set enable_seqscan = off as $$
    declare
        v_balance bigint;
        v_left bigint := p_amount;
        v_part bigint;
        v_ids uuid[] := '{}';
        v_amounts bigint[] := '{}';
        v_id uuid;
        g record;
    begin
        update credit_accounts set balance = balance - p_amount, held = held + p_amount
            where workspace_id = p_workspace and mode = p_mode and balance >= p_amount
                and (next_expiry_at is null or next_expiry_at > clock_timestamp())
            returning balance into v_balance;
        if not found then
            perform 1 from credit_accounts
                where workspace_id = p_workspace and mode = p_mode and next_expiry_at <= clock_timestamp();
            if not found then
                return null;
            end if;
            perform ledger_expire(p_workspace, p_mode);
            update credit_accounts set balance = balance - p_amount, held = held + p_amount
                where workspace_id = p_workspace and mode = p_mode and balance >= p_amount
                returning balance into v_balance;
            if not found then
                return null;
            end if;
        end if;
        if p_amount > 0 then
            update credit_grants set remaining = remaining - p_amount  -- the usual case: the first grant has enough
                where remaining >= p_amount and id = (
                    select id from credit_grants where workspace_id = p_workspace and mode = p_mode and live
                    order by priority, expires_at, created_at, id limit 1)
                returning id into v_id;
            if found then
                v_ids := array[v_id];
                v_amounts := array[p_amount];
                v_left := 0;
            else
                for g in
                    select id, remaining from credit_grants
                    where workspace_id = p_workspace and mode = p_mode and live
                    order by priority, expires_at, created_at, id
                loop
                    v_part := least(g.remaining, v_left);
                    update credit_grants set remaining = remaining - v_part where id = g.id;
                    v_ids := v_ids || g.id;
                    v_amounts := v_amounts || v_part;
                    v_left := v_left - v_part;
                    exit when v_left = 0;
                end loop;
            end if;
            if v_left > 0 then
                raise exception 'the grants of % (%) do not cover its balance', p_workspace, p_mode
                    using errcode = 'data_corrupted';
            end if;
        end if;
        insert into credit_holds (
            id, workspace_id, mode, task_id, amount, captured, refunded, status, grant_ids, grant_amounts, created_at)
        values (
            coalesce(p_hold, new_id()), p_workspace, p_mode, p_task, p_amount, 0, 0, 'open', v_ids, v_amounts,
            clock_timestamp());
        return v_balance;
    end $$
    """,
    "ledger_give_back(uuid[], bigint[], bigint, bigint, timestamptz)": """
    -- A hold kept p_before of its parts and now keeps p_after: the rest goes back to its grants. One that has expired
    -- lives on until p_at_least, where that is given. Returns the soonest expiry among those that got something.
    create function ledger_give_back(
        p_ids uuid[], p_amounts bigint[], p_before bigint, p_after bigint, p_at_least timestamptz default null)
    returns timestamptz language sql volatile as $$
        with placed as (
            select id, amount, sum(amount) over (order by place) - amount as earlier
            from unnest(p_ids, p_amounts) with ordinality parts (id, amount, place)
        ), given as (
            update credit_grants g set
                remaining = g.remaining + back.amount,
                expires_at = case when g.expires_at <= clock_timestamp() then coalesce(p_at_least, g.expires_at)
                                  else g.expires_at end
            from (
                select id, least(amount, greatest(p_before - earlier, 0))
                         - least(amount, greatest(p_after - earlier, 0)) as amount from placed) back
            where g.id = back.id and back.amount > 0
            returning g.expires_at)
        select min(expires_at) from given
    $$
    """,
    "ledger_release(uuid)": """
    -- Give back all that is held for the task: the balance then, or NULL when there is no open hold.
    create function ledger_release(p_task uuid) returns bigint language plpgsql set enable_seqscan = off as $$
    declare
        h record;
        v_expires timestamptz;
        v_balance bigint;
    begin
        select o.* into h from credit_holds o join credit_accounts a using (workspace_id, mode)
            where o.task_id = p_task and o.status = 'open' for no key update of a;
        update credit_holds set status = 'released', resolved_at = clock_timestamp()
            where id = h.id and status = 'open';
        if not found then
            return null;
        end if;
        v_expires := ledger_give_back(h.grant_ids, h.grant_amounts, h.amount, 0);
        update credit_accounts set
            balance = balance + h.amount, held = held - h.amount, next_expiry_at = least(next_expiry_at, v_expires)
            where workspace_id = h.workspace_id and mode = h.mode
            returning balance into v_balance;
        return case when v_expires <= clock_timestamp() then ledger_expire(h.workspace_id, h.mode) else v_balance end;
    end $$
    """,
    "ledger_capture(uuid, bigint, text)": """
    -- Take p_amount of what is held for the task and give the rest back: the balance then, or NULL when there is no
    -- open hold. Nothing taken is a release.
    create function ledger_capture(p_task uuid, p_amount bigint, p_reason text)
    returns bigint language plpgsql set enable_seqscan = off as $$
    declare
        h record;
        v_expires timestamptz;
        v_balance bigint;
    begin
        if p_amount = 0 then
            return ledger_release(p_task);
        end if;
        select o.* into h from credit_holds o join credit_accounts a using (workspace_id, mode)
            where o.task_id = p_task and o.status = 'open' for no key update of a;
        update credit_holds set status = 'captured', captured = p_amount, resolved_at = clock_timestamp()
            where id = h.id and status = 'open';
        if not found then
            return null;
        end if;
        if p_amount < h.amount then
            v_expires := ledger_give_back(h.grant_ids, h.grant_amounts, h.amount, p_amount);
        end if;
        v_balance := ledger_post(
            h.workspace_id, h.mode, 'capture', p_amount, h.amount - p_amount, -h.amount, v_expires, p_task, p_reason,
            h.id::text);
        return case when v_expires <= clock_timestamp() then ledger_expire(h.workspace_id, h.mode) else v_balance end;
    end $$
    """,
    "ledger_refund(uuid, bigint, text, text)": """
    -- Give back p_amount of what was captured for the task, or all of it (NULL): the balance then, or NULL when less is
    -- left to refund. A grant that has expired meanwhile lives for 30 more days, or the refund would be worth nothing.
    -- The same reference for the same task again changes nothing.
    create function ledger_refund(p_task uuid, p_amount bigint, p_reason text, p_reference text)
    returns bigint language plpgsql as $$
    declare
        a record;
        h record;
        v_left bigint;
        v_part bigint;
        v_expires timestamptz;
    begin
        select c.* into a from credit_accounts c join credit_holds o using (workspace_id, mode)
            where o.task_id = p_task order by o.id limit 1 for no key update of c;
        if not found then
            return null;
        end if;
        if exists (select 1 from credit_transfers
                   where reference = p_reference and kind = 'refund' and task_id = p_task) then
            return (select balance from credit_accounts where workspace_id = a.workspace_id and mode = a.mode);
        end if;
        select sum(captured - refunded) into v_left from credit_holds where task_id = p_task and status = 'captured';
        p_amount := coalesce(p_amount, v_left);
        if v_left is null or p_amount <= 0 or p_amount > v_left then
            return null;
        end if;
        perform ledger_expire(a.workspace_id, a.mode);  -- or a longer life would revive what is due
        v_left := p_amount;
        for h in
            select * from credit_holds where task_id = p_task and status = 'captured' and captured > refunded
            order by resolved_at desc, id desc
        loop
            v_part := least(v_left, h.captured - h.refunded);
            v_expires := least(v_expires, ledger_give_back(
                h.grant_ids, h.grant_amounts, h.captured - h.refunded, h.captured - h.refunded - v_part,
                clock_timestamp() + interval '30 days'));
            update credit_holds set refunded = refunded + v_part where id = h.id;
            v_left := v_left - v_part;
            exit when v_left = 0;
        end loop;
        return ledger_post(
            a.workspace_id, a.mode, 'refund', p_amount, p_amount, 0, v_expires, p_task, p_reason, p_reference);
    end $$
    """,
}


def upgrade() -> None:
    for statement in FUNCTIONS.values():
        op.execute(statement)


def downgrade() -> None:
    for signature in FUNCTIONS:
        op.execute(f"drop function {signature}")
