"""The ASGI application: ``uvicorn --factory notify.api.app:create_app``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from notify import faults, log, settings, tracing
from notify.api import (
    admission,
    api_keys,
    audiences,
    audit,
    auth_tokens,
    brands,
    bulk,
    deadline,
    description,
    errors,
    explain,
    health,
    inbound,
    inbound_webhooks,
    limits,
    lists,
    messages,
    metrics,
    middleware,
    notification_checks,
    notification_content,
    notification_metrics,
    notifications,
    observed,
    pauses,
    personal,
    preference_hosted,
    preferences,
    profile_lists,
    profiles,
    providers,
    receipts,
    refusals,
    requests,
    resend,
    retries,
    routing_strategies,
    send,
    suppressions,
    tenant_templates,
    tenants,
    tracking,
    translations,
    user_preferences,
    user_tenants,
    user_tokens,
    webhooks,
)
from notify.api.coalesce import Bounds, Coalescer
from notify.api.throttle import Throttle
from notify.manage import exposition
from notify.publisher import Publisher
from notify.store import db

_TITLE = "Notify"
_DESCRIPTION = "One call delivers: email, SMS, push, inbox, chat and webhooks. Authenticate with an API key."


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    config = settings.load()
    if config.traces_exporter != "none":
        tracing.start(config.traces_exporter)
    publisher = app.state.publisher = Publisher()
    bounds = Bounds(
        size=config.accept_batch_size,
        waiting_max=config.accept_waiting_max,
        timeout_s=config.accept_timeout_s,
    )
    app.state.sends = Coalescer(send.flusher(publisher), bounds)
    app.state.reports = Coalescer(receipts.flusher(publisher), bounds)
    app.state.admission = admission.Admission(app.state.sends)
    yield
    await app.state.admission.close()
    await app.state.sends.close()
    await app.state.reports.close()
    publisher.close()
    tracing.stop()


def create_app() -> FastAPI:
    """The application, with settings checked before anything is served."""
    config = settings.load()
    log.configure(config.log_level, config.log_format)
    faults.arm()
    db.limit_statements(config.request_timeout_s)
    exposition.share(alone=True)
    app = routed()
    app.state.throttle = Throttle(config.auth_failures_per_minute)
    errors.install(app)
    app.add_middleware(middleware.RawPath)
    own = {inbound_webhooks.PREFIX: config.max_inbound_body_bytes}
    app.add_middleware(middleware.BodyLimit, max_bytes=config.max_body_bytes, below=own)
    app.add_middleware(deadline.Deadline, seconds=config.request_timeout_s)
    app.add_middleware(observed.Observed)
    # Whom a proxy speaks for is believed only where the settings name the proxy.
    app.add_middleware(ProxyHeadersMiddleware, trusted_hosts=[str(one) for one in config.trusted_proxies])
    if config.cors_origins:
        # Credentials are in headers, never in cookies, so a page can send only what it was given.
        app.add_middleware(
            CORSMiddleware,
            allow_origins=config.cors_origins,
            allow_methods=["*"],
            allow_headers=["*"],
            expose_headers=[
                "Retry-After",
                "X-Should-Retry",
                "RateLimit-Limit",
                "RateLimit-Remaining",
                "RateLimit-Reset",
            ],
        )
    return app


def routed() -> FastAPI:
    """Every endpoint, described; nothing yet that serves them."""
    app = FastAPI(
        title=_TITLE,
        description=_DESCRIPTION,
        version="1",
        lifespan=_lifespan,
        generate_unique_id_function=description.operation_id,
        # curl sends JSON as a form unless told otherwise; what is not JSON is refused all the same.
        strict_content_type=False,
        # With an id that happens to be empty, a call that concerns one thing must not become one for all.
        redirect_slashes=False,
        # Ours (`observed`, `tracing`) says as much, and nothing of what a caller sent.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    for router in (
        send,
        messages,
        explain,
        resend,
        requests,
        profiles,
        profile_lists,
        user_tokens,
        user_tenants,
        personal,
        lists,
        audiences,
        tenants,
        bulk,
        auth_tokens,
        providers,
        notifications,
        notification_content,
        notification_metrics,
        notification_checks,
        routing_strategies,
        brands,
        translations,
        tenant_templates,
        inbound,
        inbound_webhooks,
        receipts,
        suppressions,
        limits,
        tracking,
        pauses,
        retries,
        refusals,
        preferences,
        preference_hosted,
        user_preferences,
        audit,
        api_keys,
        webhooks,
        health,
        metrics,
    ):
        app.include_router(router.router)
    description.describe(app)
    return app
