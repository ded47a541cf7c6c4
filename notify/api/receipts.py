"""``POST /receipts/{provider configuration id}``: what providers report; the signature authenticates."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from notify import clock
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PathId
from notify.errors import NotFound
from notify.manage import receipts
from notify.model.receipt import Callback
from notify.pipeline import receiving, tracking
from notify.pipeline.receiving import Report
from notify.publisher import Publisher

_ANSWERS: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorBody, "description": "The signature is missing, old or wrong."},
    404: {"model": ErrorBody, "description": "No such provider configuration."},
    413: {"model": ErrorBody, "description": "The body is too large."},
}
router = APIRouter(tags=["receipts"], responses={**RESPONSES, **_ANSWERS})


def flusher(publisher: Publisher) -> Callable[[Sequence[Report]], Sequence[Exception | None]]:
    """What the coalescer calls with each batch of reports."""

    def flush(batch: Sequence[Report]) -> Sequence[Exception | None]:
        publisher.offer(receiving.run(batch))
        return [None] * len(batch)

    return flush


@router.post("/receipts/{provider_id}", status_code=204)
async def receive(provider_id: PathId, request: Request) -> Response:
    """Take a provider's report, in its vendor's own signed form or in the generic one of `docs/receipts.md`.

    It is stored before the answer, and applied after it.
    """
    callback = Callback(
        url=_called_url(request),
        headers=dict(request.headers),
        body=await request.body(),
        received_at=clock.now(),
    )
    report = await run_in_threadpool(receipts.verified, _id(provider_id), callback)
    if report.updates:
        await request.app.state.reports.submit(report)
    return Response(status_code=204)


def _called_url(request: Request) -> str:
    """The URL as the provider called it, which is what it signs: ours may differ behind a proxy."""
    base = tracking.public_url() or f"{request.url.scheme}://{request.url.netloc}"
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{base}{request.scope['path']}{query}"


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("This provider configuration does not exist.") from None
