"""SQL of the event log. `id_floor` leaves out the weeks before there was what the events are about."""

# The next events of many subjects at once: $1 the subjects, $2 their workspaces, $3 after which position; `place`
# counts the subjects from 1.
_FOLLOWING = """
select asked.place, e.position, e.id, e.type, e.task_id, e.data
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) with ordinality as asked (id, workspace_id, after, place)
cross join lateral (
    select * from events e
    where e.{subject}_id = asked.id and e.workspace_id = asked.workspace_id and e.position > asked.after
    and e.id >= id_floor(asked.id)
    order by e.position limit {limit}) e
order by asked.place, e.position
"""
BATCH = 100
FOLLOWING_OF_TASKS = _FOLLOWING.format(subject="task", limit=BATCH)
FOLLOWING_OF_BATCHES = _FOLLOWING.format(subject="batch", limit=BATCH)
# The latest event of each subject, task or batch.
LATEST = """
select asked.id, greatest(
    (select max(e.position) from events e where e.task_id = asked.id and e.id >= id_floor(asked.id)),
    (select max(e.position) from events e where e.batch_id = asked.id and e.id >= id_floor(asked.id))) as position
from unnest($1::uuid[]) as asked (id)
"""

POSITION = {
    subject: f"select position from events where id = $1 and {subject}_id = $2" for subject in ("task", "batch")
}

PUBLISH = "select published, workspaces from publish_events($1)"

# The next events of many workspaces at once, in the order they were published: $1 an array of objects with place,
# workspace_id, mode, after, and the types wanted (null: all).
FEED_FOLLOWING = f"""
select asked.place, found.*
from jsonb_to_recordset($1::jsonb) as asked (place int, workspace_id uuid, mode text, after bigint, types text[])
cross join lateral (
    select f.number, f.workspace_id, f.mode, e.id, e.type, e.task_id, e.data, e.created_at
    from feed f join events e on e.id = f.event_id
    where f.workspace_id = asked.workspace_id and f.mode = asked.mode and f.number > asked.after
    and (asked.types is null or f.type = any (asked.types))
    order by f.number limit {BATCH}) found
order by asked.place, found.number
"""
FEED_LATEST = """
select asked.id, (select max(f.number) from feed f where f.workspace_id = asked.id and f.mode = modes.mode) as number
from unnest($1::uuid[]) as asked (id) cross join (values ('live'), ('test')) as modes (mode)
"""
# The newest of a workspace and mode, if there is any.
FEED_END = """
select number, event_id from feed where workspace_id = $1 and mode = $2 order by number desc limit 1
"""
FEED_PLACE = "select number from feed where event_id = $1 and workspace_id = $2 and mode = $3"

ADD_WEEKS = "select add_weeks($1, $2) as added"
DROP_WEEKS = "select part from drop_weeks($1, make_interval(days => $2)) as part"
