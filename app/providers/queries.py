"""SQL of providers."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from app.providers.models import ModelAlias, ProviderKey, ProviderModel, ProviderProbe, ProviderSetting

# All of it as of one moment; no row where the version is the one already known.
READ = """
    select c.version,
        (select coalesce(jsonb_agg(m), '[]') from provider_models m) as models,
        (select coalesce(jsonb_agg(s), '[]') from provider_settings s) as settings,
        (select coalesce(jsonb_agg(a order by alias, position), '[]') from model_aliases a) as aliases,
        (select coalesce(jsonb_agg(jsonb_build_object(
            'provider', provider, 'key_id', key_id, 'seconds', extract(epoch from probe_at - now()))), '[]')
         from provider_keys) as keys
    from provider_changes c where c.version <> $1
"""

# Those known to be refused keep their turn at the prober. $1 provider, $2 key, $3 reason, $4 is it the money,
# $5 seconds until the first probe.
REFUSE = """
    insert into provider_keys (provider, key_id, reason, is_broke, probe_at)
    values ($1, $2, $3, $4, now() + make_interval(secs => $5))
    on conflict (provider, key_id) do update
    set reason = excluded.reason, is_broke = excluded.is_broke, refused_at = excluded.refused_at
"""

# Whoever claims a key probes it: nobody else does until its next time, which is put off longer each time.
# $1, $2 the keys we have; $3, $4 seconds until the first probe, of those that are broke and others; $5 the longest.
CLAIM_KEYS = """
    update provider_keys k
    set probes = probes + 1, probed_at = now(), probe_at = now() + make_interval(
        secs => least(case when is_broke then $3::float8 else $4 end * 2 ^ least(probes + 1, 16), $5::float8))
    from unnest($1::text[], $2::text[]) ours (provider, key_id)
    where k.provider = ours.provider and k.key_id = ours.key_id and k.probe_at <= now()
    returning k.provider, k.key_id, k.refused_at
"""

# Refused again since the probe began, it stays.
MEND_KEY = "delete from provider_keys where provider = $1 and key_id = $2 and refused_at <= $3"

# Those nobody probes any more: they were taken from the configuration.
FORGET_KEYS = "delete from provider_keys where greatest(probe_at, refused_at) < now() - interval '1 day'"

RECORD_PROBE = """
    insert into provider_probes (provider, is_healthy, detail, latency_ms, probed_at, healthy_at)
    values ($1, $2, $3, $4, now(), case when $2 then now() end)
    on conflict (provider) do update
    set is_healthy = excluded.is_healthy, detail = excluded.detail, latency_ms = excluded.latency_ms,
        probed_at = excluded.probed_at, healthy_at = coalesce(excluded.healthy_at, provider_probes.healthy_at)
"""

PROBES = "select provider, is_healthy, probed_at, healthy_at from provider_probes"


async def list_models(session: AsyncSession, provider: str | None = None) -> Sequence[ProviderModel]:
    wanted = select(ProviderModel).order_by(ProviderModel.provider, ProviderModel.name, ProviderModel.operation)
    if provider is not None:
        wanted = wanted.where(ProviderModel.provider == provider)
    return (await session.execute(wanted)).scalars().all()


async def put_model(session: AsyncSession, provider: str, name: str, operation: str, **values: Any) -> None:
    await _put(session, ProviderModel, {"provider": provider, "name": name, "operation": operation}, values)


async def remove_model(session: AsyncSession, provider: str, name: str, operation: str | None) -> int:
    """How many rows there were; all of the model's without an operation."""
    gone = delete(ProviderModel).where(ProviderModel.provider == provider, ProviderModel.name == name)
    if operation is not None:
        gone = gone.where(ProviderModel.operation == operation)
    return len((await session.execute(gone.returning(ProviderModel.operation))).all())


async def list_settings(session: AsyncSession) -> Sequence[ProviderSetting]:
    return (await session.execute(select(ProviderSetting))).scalars().all()


async def put_setting(session: AsyncSession, provider: str, **values: Any) -> None:
    await _put(session, ProviderSetting, {"provider": provider}, values)


async def list_aliases(session: AsyncSession) -> Sequence[ModelAlias]:
    return (await session.execute(select(ModelAlias).order_by(ModelAlias.alias, ModelAlias.position))).scalars().all()


async def put_alias(session: AsyncSession, alias: str, ways: Sequence[tuple[str, str]]) -> None:
    """Instead of those it stood for; none removes it."""
    await session.execute(delete(ModelAlias).where(ModelAlias.alias == alias))
    session.add_all(
        ModelAlias(alias=alias, position=position, provider=provider, model=model)
        for position, (provider, model) in enumerate(ways)
    )
    await session.flush()


async def list_probes(session: AsyncSession) -> Sequence[ProviderProbe]:
    return (await session.execute(select(ProviderProbe))).scalars().all()


async def list_keys(session: AsyncSession) -> Sequence[ProviderKey]:
    """Those that are refused."""
    return (await session.execute(select(ProviderKey).order_by(ProviderKey.refused_at))).scalars().all()


async def _put(session: AsyncSession, table: Any, key: dict[str, Any], values: dict[str, Any]) -> None:
    row = insert(table).values(key | values)
    changed = values | {"updated_at": func.now()}
    await session.execute(row.on_conflict_do_update(index_elements=list(key), set_=changed))
