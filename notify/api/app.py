"""The ASGI application: ``uvicorn --factory notify.api.app:create_app``."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from notify import log, settings
from notify.api import (
    errors,
    explain,
    health,
    messages,
    middleware,
    notifications,
    profiles,
    providers,
    receipts,
    requests,
    resend,
    send,
    suppressions,
    tracking,
)
from notify.api.coalesce import Coalescer
from notify.api.publisher import Publisher

_TITLE = "Notify"
_DESCRIPTION = "One call delivers: email, SMS, push, inbox, chat and webhooks. Authenticate with an API key."


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    config = settings.load()
    publisher = Publisher()
    app.state.sends = Coalescer(
        send.flusher(publisher), size=config.accept_batch_size, waiting_max=config.accept_waiting_max
    )
    app.state.reports = Coalescer(
        receipts.flusher(publisher), size=config.accept_batch_size, waiting_max=config.accept_waiting_max
    )
    yield
    await app.state.sends.close()
    await app.state.reports.close()
    publisher.close()


def create_app() -> FastAPI:
    """The application, with settings checked before anything is served."""
    config = settings.load()
    log.configure(config.log_level, config.log_format)
    app = FastAPI(
        title=_TITLE,
        description=_DESCRIPTION,
        version="1",
        lifespan=_lifespan,
        # curl sends JSON as a form unless told otherwise; what is not JSON is refused all the same.
        strict_content_type=False,
    )
    errors.install(app)
    app.add_middleware(middleware.RawPath)
    app.add_middleware(middleware.BodyLimit, max_bytes=config.max_body_bytes)
    for router in (
        send,
        messages,
        explain,
        resend,
        requests,
        profiles,
        providers,
        notifications,
        receipts,
        suppressions,
        tracking,
        health,
    ):
        app.include_router(router.router)
    return app
