"""Jobs that keep the house: done by the clock, each safe to do twice."""

from app.accounts.identities import service as identities
from app.accounts.proofs import service as proofs
from app.accounts.sessions import keyring
from app.accounts.sessions import service as sessions
from app.accounts.signing_in import guards
from app.assets import service as assets
from app.core import idempotency, throttle
from app.events import service as events
from app.generation import callbacks
from app.generation.advance import Engine
from app.generation.reports import health
from app.ledger import service as ledger
from app.mail import service as mail
from app.privacy.erasure import service as erasure
from app.privacy.export import service as exports
from app.providers import probing
from app.webhooks import keeping as webhooks
from workers.context import Context


async def sweep_assets(context: Context) -> None:
    """Remove the files of deleted assets and of uploads that never finished."""
    engine: Engine = context["engine"]
    await assets.sweep_unfinished(engine.assets, engine.database)


async def sweep_stray_files(context: Context) -> None:
    """Remove stored files no asset knows of."""
    engine: Engine = context["engine"]
    await assets.sweep_strays(engine.assets, engine.database)


async def sweep_idempotency_keys(context: Context) -> None:
    """Those past their day."""
    engine: Engine = context["engine"]
    await idempotency.forget_expired(engine.database)


async def sweep_signing_in(context: Context) -> None:
    """Links and sign-ins that are no good any more, and counts that say nothing any more."""
    engine: Engine = context["engine"]
    await proofs.forget_old(engine.database)
    await throttle.forget_full(engine.database)
    await guards.forget_old(engine.database)
    await identities.forget_expired(engine.database)


async def sweep_sessions(context: Context) -> None:
    """Sessions that ended long ago; and the key that signs access tokens, when it has done so for long enough."""
    engine: Engine = context["engine"]
    await sessions.forget_old(engine.database)
    await keyring.keep_house(engine.database, engine.settings)


async def sweep_callbacks(context: Context) -> None:
    """What providers sent more than a week ago."""
    engine: Engine = context["engine"]
    await callbacks.forget_old(engine.database)


async def sweep_mails(context: Context) -> None:
    """What was sent, or given up, longer ago than mails are kept."""
    engine: Engine = context["engine"]
    await mail.forget_old(engine.database, engine.settings)


async def sweep_webhooks(context: Context) -> None:
    """Deliveries older than the log of their events, with their attempts."""
    engine: Engine = context["engine"]
    await webhooks.forget_old(engine.database, engine.settings)


async def keep_weeks(context: Context) -> None:
    """The weeks of the event log that are to come, and those that are over."""
    engine: Engine = context["engine"]
    await events.keep_weeks(engine.database, engine.settings)


async def expire_credits(context: Context) -> None:
    """Take credits past their expiry off the balances of those who do not spend or look."""
    engine: Engine = context["engine"]
    await ledger.expire_due(engine.database)


async def probe_keys(context: Context) -> None:
    """Find out which of the keys that vendors refused work again."""
    engine: Engine = context["engine"]
    await probing.probe_keys(engine.database, engine.catalog)


async def probe_providers(context: Context) -> None:
    """Ask those nobody ordered from lately whether they work."""
    engine: Engine = context["engine"]
    await health.probe_quiet(engine.database, engine.catalog)


async def make_exports(context: Context) -> None:
    """The archives that users asked for."""
    engine: Engine = context["engine"]
    await exports.make_due(engine.database, engine.assets)


async def sweep_exports(context: Context) -> None:
    """Archives past their time."""
    engine: Engine = context["engine"]
    await exports.sweep(engine.database, engine.assets)


async def sweep_stray_exports(context: Context) -> None:
    """Stored archives no export knows of."""
    engine: Engine = context["engine"]
    await exports.sweep_strays(engine.database, engine.assets)


async def erase_accounts(context: Context) -> None:
    """Accounts whose grace is over; and what is still open in those that wait for it."""
    engine: Engine = context["engine"]
    await erasure.erase_due(engine.database, engine.settings, engine.assets)
    await erasure.cancel_scheduled(engine.database)
