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

PUBLISH = "select published, whose from publish_events($1)"

_PUBLISHED = "f.number, f.workspace_id, f.mode, e.id, e.type, e.task_id, e.data, e.created_at"
# The next events of many workspaces at once, in the order they were published: $1 an array of objects with place,
# workspace_id, mode, after, and the types wanted. Where none is left the last row says how far the workspace has come.
FEED_FOLLOWING = f"""
select asked.place, found.*
from jsonb_to_recordset($1::jsonb) as asked (place int, workspace_id uuid, mode text, after bigint, types text[])
cross join lateral (
    (select {_PUBLISHED} from feed f join events e on e.id = f.event_id
     where f.workspace_id = asked.workspace_id and f.mode = asked.mode and f.number > asked.after
     and f.type = any (asked.types)
     order by f.number limit {BATCH})
    union all
    select max(f.number), asked.workspace_id, asked.mode, null, null, null, null, null from feed f
    where f.workspace_id = asked.workspace_id and f.mode = asked.mode) found
order by asked.place, found.id is null, found.number
"""
FEED_LATEST = """
select asked.id, asked.mode, (
    select max(f.number) from feed f where f.workspace_id = asked.id and f.mode = asked.mode) as number
from unnest($1::uuid[], $2::text[]) as asked (id, mode)
"""
# The newest of a workspace and mode, if there is any.
FEED_END = """
select number, event_id from feed where workspace_id = $1 and mode = $2 order by number desc limit 1
"""
FEED_PLACE = "select number from feed where event_id = $1 and workspace_id = $2 and mode = $3"

# Newest first: $1 workspace, $2 mode, $3 types, $4 before which number, $5 and $6 created after and before, $7 how
# many, $8 of which task or batch.
_FEED_LIST = f"""
select {_PUBLISHED} from {{source}}
where f.workspace_id = $1 and f.mode = $2 and f.type = any ($3) and f.number < $4
and e.created_at > $5 and e.created_at < $6 and f.event_id >= id_floor(id_from($5)){{of}}
order by f.number desc limit $7
"""
_OF = "events e join feed f on f.event_id = e.id"
FEED_LIST: dict[str | None, str] = {
    None: _FEED_LIST.format(source="feed f join events e on e.id = f.event_id", of="\nand $8::uuid is null"),
    "task": _FEED_LIST.format(source=_OF, of="\nand e.task_id = $8 and e.id >= id_floor($8)"),
    "batch": _FEED_LIST.format(source=_OF, of="\nand e.batch_id = $8 and e.id >= id_floor($8)"),
}
FEED_ONE = f"""
select {_PUBLISHED} from feed f join events e on e.id = f.event_id
where f.event_id = $1 and f.workspace_id = $2 and f.mode = $3 and f.type = any ($4)
"""

ADD_WEEKS = "select add_weeks($1, $2) as added"
DROP_WEEKS = "select part from drop_weeks($1, make_interval(days => $2)) as part"
