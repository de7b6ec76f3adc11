"""The API: lifespan, routers, middleware."""

import gc
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi_offline import FastAPIOffline

from app import openapi
from app.accounts.audit.router import router as audit_log
from app.accounts.caller_cache import CallerCache
from app.accounts.identities.desk import OauthDesk
from app.accounts.identities.own_router import router as identities
from app.accounts.identities.router import router as oauth
from app.accounts.keys.limits import KeyGate
from app.accounts.keys.router import router as api_keys
from app.accounts.me.router import router as me
from app.accounts.pages.router import router as account_pages
from app.accounts.sessions.confirm_router import router as confirming
from app.accounts.sessions.router import router as sessions
from app.accounts.signing_in.desk import SignInDesk
from app.accounts.signing_in.router import router as signing_in
from app.accounts.tickets import Tickets
from app.accounts.workspaces.invitations_router import public_router as invitations
from app.accounts.workspaces.invitations_router import router as workspace_invitations
from app.accounts.workspaces.router import router as workspaces
from app.admin.router import router as admin
from app.assets.reader import AssetReader
from app.assets.router import files_router
from app.assets.router import router as assets
from app.assets.tools import AssetTools
from app.batches.intake import BatchIntake
from app.batches.reader import BatchReader
from app.batches.router import BatchDesk
from app.batches.router import router as batches
from app.core import answers, queue
from app.core.access_log import AccessLog
from app.core.bells import BellTower
from app.core.bodies import BodyGuard
from app.core.cors import EXPOSED_HEADERS, Cors, allowed_origins
from app.core.db import Database
from app.core.egress import Egress
from app.core.health import router as health
from app.core.hot import Hot
from app.core.problems_router import router as problems
from app.core.request_context import RequestContext
from app.core.sealing import Sealer
from app.core.settings import MEBIBYTE, Settings, get_settings
from app.core.stopping import on_stop_signal
from app.core.telemetry import configure_logs
from app.events.feed import FeedReader
from app.events.reader import EventReader
from app.events.service import CHANNEL, FEED
from app.feed.rendering import Renderer
from app.feed.router import hot_routes as event_streams
from app.feed.router import router as events_
from app.feed.streaming import FeedDesk, FeedTeller
from app.generation.catalog_router import router as catalog
from app.generation.inbound_router import router as inbound
from app.generation.intake import Intake
from app.generation.operations import OPERATIONS
from app.generation.reader import TaskReader
from app.generation.reports.health import HealthDesk
from app.generation.reports.router import router as provider_health
from app.generation.router import hot_routes
from app.generation.router import router as tasks
from app.generation.telling import Teller
from app.generation.waiting import Lookout
from app.ledger.router import router as credits_
from app.mail.dev_router import router as dev_mail
from app.privacy.router import router as privacy
from app.providers.board import Board
from app.providers.catalog import Catalog
from app.webhooks.deliveries_router import router as webhook_deliveries
from app.webhooks.desk import WebhookDesk
from app.webhooks.router import router as webhook_endpoints
from app.webhooks.router import secret_router as webhook_secret

BATCH_BYTES = 8 * MEBIBYTE
"""For 500 items with a long prompt or URL each."""


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    redis = queue.connect(settings)
    app.state.database = database = Database(settings, redis)
    events = EventReader(database)
    bells = BellTower(redis, CHANNEL, look=events.latest)
    app.state.callers = callers = CallerCache(settings, database, redis)
    app.state.key_gate = KeyGate(settings, redis)
    app.state.asset_tools = tools = await AssetTools.open(settings)
    reader = TaskReader(database, tools)
    app.state.tickets = Tickets(settings, redis)
    feed = FeedReader(database)
    feed_bells = BellTower(redis, FEED, look=feed.latest)
    renderer = Renderer(reader, AssetReader(database, tools))
    app.state.feed = FeedDesk(feed, FeedTeller(feed, renderer), renderer, feed_bells)
    app.state.lookout = Lookout(reader, events, Teller(events, reader), bells)
    app.state.checks = {"database": database.check, "redis": redis.ping, "storage": tools.storage.check}
    app.state.intake = intake = Intake(settings, database, app.state.catalog, tools)
    app.state.batches = BatchDesk(
        BatchIntake(settings, database, app.state.catalog, tools, intake), BatchReader(database, tools)
    )
    egress = Egress(settings)
    app.state.sign_in = sign_in = SignInDesk(settings, database, egress.client)
    app.state.oauth = OauthDesk(settings, egress)
    app.state.webhooks = WebhookDesk.make(settings, egress)
    app.state.health = HealthDesk(settings, database, app.state.catalog)
    board = Board(database, app.state.catalog)
    await board.start()
    bells.start()
    feed_bells.start()
    callers.start()
    # Most of the heap is here to stay: not scanning it again and again keeps the slowest answers fast.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)
    try:
        with on_stop_signal(bells.hush), on_stop_signal(feed_bells.hush):
            yield
    finally:
        await bells.close()
        await feed_bells.close()
        await callers.close()
        await sign_in.close()
        await egress.aclose()
        await board.close()
        await tools.close()
        await app.state.catalog.close()
        await database.close()
        await redis.aclose(close_connection_pool=True)
        app.state.access_log.flush()


def create_app(settings: Settings | None = None) -> FastAPI:
    """The application; `uvicorn --factory app.main:create_app` serves it."""
    settings = settings or get_settings()
    configure_logs(settings)
    app = FastAPIOffline(
        title="Backlot",
        version=openapi.VERSION,
        summary="The backend behind generative-AI products.",
        lifespan=_lifespan,
        redirect_slashes=False,
        redoc_url=None,
    )
    app.state.settings = settings
    app.state.sealer = Sealer(settings, "kept answers")
    app.state.catalog = Catalog.load(settings)
    app.state.operations = tuple(OPERATIONS)
    for router in (
        tasks,
        batches,
        assets,
        credits_,
        api_keys,
        sessions,
        oauth,
        identities,
        audit_log,
        events_,
        privacy,
        admin,
        catalog,
        provider_health,
        inbound,
    ):
        app.include_router(router)
    for router in (webhook_endpoints, webhook_deliveries, webhook_secret):
        app.include_router(router)
    for router in (me, workspaces, workspace_invitations, invitations):
        app.include_router(router)
    for router in (signing_in, confirming, problems, health, files_router):
        app.include_router(router)
    app.include_router(account_pages)
    if settings.env == "development":
        app.include_router(dev_mail)
    hot_routes.include(event_streams)
    app.add_middleware(Hot, routes=hot_routes)
    app.add_middleware(
        BodyGuard,
        # Everywhere else a megabyte is plenty, and is read before it is known who calls.
        max_bytes=min(MEBIBYTE, settings.api.max_body_bytes),
        max_bytes_at={
            "/v1/assets": settings.api.max_body_bytes,
            "/v1/batches": min(BATCH_BYTES, settings.api.max_body_bytes),
        },
    )
    answers.install(app)
    openapi.install(app)
    if settings.api.cors_origins:
        app.add_middleware(
            Cors,
            allow_origins=allowed_origins(settings),
            allow_credentials="*" not in settings.api.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=list(EXPOSED_HEADERS),
            max_age=7200,
        )
    app.state.access_log = AccessLog(settings)
    app.add_middleware(RequestContext, log=app.state.access_log)
    return app
