"""SQL of the event log."""

# The next events of many subjects at once: $1 the subjects, $2 their workspaces, $3 after which position; `place`
# counts the subjects from 1.
_FOLLOWING = """
select asked.place, e.position, e.id, e.type, e.task_id, e.data
from unnest($1::uuid[], $2::uuid[], $3::bigint[]) with ordinality as asked (id, workspace_id, after, place)
cross join lateral (
    select * from events e
    where e.{subject}_id = asked.id and e.workspace_id = asked.workspace_id and e.position > asked.after
    order by e.position limit {limit}) e
order by asked.place, e.position
"""
BATCH = 100
FOLLOWING_OF_TASKS = _FOLLOWING.format(subject="task", limit=BATCH)
FOLLOWING_OF_BATCHES = _FOLLOWING.format(subject="batch", limit=BATCH)
# The latest event of each subject, task or batch.
LATEST = """
select asked.id, greatest(
    (select max(e.position) from events e where e.task_id = asked.id),
    (select max(e.position) from events e where e.batch_id = asked.id)) as position
from unnest($1::uuid[]) as asked (id)
"""

POSITION = {
    subject: f"select position from events where id = $1 and {subject}_id = $2" for subject in ("task", "batch")
}
