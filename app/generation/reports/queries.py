"""SQL of what attempts tell about providers: their health, and what is earned by them.

Ids are UUIDv7: a least id is a least time, and the primary keys are all the index these need.
"""

from datetime import datetime
from uuid import UUID


def least_id(moment: datetime) -> UUID:
    """No id made at that moment or later is below it."""
    return UUID(int=max(int(moment.timestamp() * 1000), 0) << 80)


# A row for each provider (model is null) and for each of its models. $1 the least id, $2 what is no fault of theirs.
TRAFFIC = """
    select provider, model, count(*) as calls,
        count(*) filter (where status = 'unknown'
            or (status = 'failed' and coalesce(error->>'code', '') <> all($2::text[]))) as errors,
        max(coalesce(ended_at, started_at)) as last_call_at,
        max(ended_at) filter (where status = 'succeeded') as last_success_at,
        percentile_cont(array[0.5, 0.95]) within group (order by extract(epoch from ended_at - started_at))
            filter (where status = 'succeeded') as seconds
    from task_attempts
    where id >= $1 and status in ('succeeded', 'failed', 'unknown')
    group by grouping sets ((provider), (provider, model))
"""

BUSY = "select distinct provider from task_attempts where id >= $1"

# $1 the least id. What was charged less what was given back, by the provider and model that delivered; what was paid,
# by whom it was paid to: also for what came to nothing.
MARGINS = """
    with sold as (
        select t.provider, t.route -> t.route_index ->> 'model' as model, sum(cardinality(t.output_ids)) as outputs,
            sum(h.captured - h.refunded) as microcredits
        from tasks t join (
            select task_id, sum(captured)::bigint as captured, sum(refunded)::bigint as refunded
            from credit_holds where task_id >= $1 group by task_id) h on h.task_id = t.id
        where t.id >= $1 and t.mode = 'live' and t.completed_at is not null and t.provider is not null
        group by 1, 2),
    bought as (
        select a.provider, a.model, count(*) as calls, sum(a.cost_microusd) as microusd,
            count(*) filter (where a.status in ('succeeded', 'unknown') and a.cost_microusd is null) as unknown_costs
        from task_attempts a join tasks t on t.id = a.task_id
        where a.id >= $1 and t.id >= $1 and t.mode = 'live' group by 1, 2)
    select provider, model, coalesce(b.calls, 0) as calls, coalesce(s.outputs, 0)::bigint as outputs,
        coalesce(s.microcredits, 0)::bigint as microcredits, coalesce(b.microusd, 0)::bigint as microusd,
        coalesce(b.unknown_costs, 0) as unknown_costs
    from bought b full join sold s using (provider, model)
    where coalesce(b.calls, 0) > 0 or coalesce(s.microcredits, 0) <> 0
    order by provider, model
"""
