"""``/t/o/{token}``, ``/t/c/{token}`` and ``/e/{token}``: pixels and links of messages, and where an app tells
what became of its push. Their tokens are signed by us.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from pydantic import BaseModel
from starlette.responses import RedirectResponse, Response

from notify import clock, ids, log
from notify.api.errors import RESPONSES, ErrorBody
from notify.errors import NotFound, Unavailable
from notify.model.names import World
from notify.model.receipt import StatusUpdate
from notify.pipeline import tracking
from notify.pipeline.receiving import Report
from notify.pipeline.tracking import AppReported, Track, Tracked

_log = log.get(__name__)
_GIF = bytes.fromhex("47494638396101000100800000000000ffffff21f90401000000002c00000000010001000002024401003b")
# The token must not reach the page it leads to, and each open and click must reach us.
_HEADERS = {"Cache-Control": "no-store, max-age=0", "Referrer-Policy": "no-referrer"}
_UNKNOWN: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorBody, "description": "The link is damaged."},
    404: {"model": ErrorBody, "description": "The link is not one of ours."},
}

_AWAY: dict[int | str, dict[str, Any]] = {
    413: {"model": ErrorBody, "description": "The body is too large."},
    503: RESPONSES[503],
}

Token = Annotated[str, Path(max_length=tracking.MAX_URL * 2, pattern=r"^[A-Za-z0-9_.=-]+$")]
router = APIRouter(tags=["tracking"], responses=_UNKNOWN)


class AppEvent(BaseModel):
    """What an app reports of a push that it shows."""

    event: AppReported


@router.get("/t/o/{token}", response_class=Response, responses={200: {"content": {"image/gif": {}}}})
async def opened(token: Token, request: Request) -> Response:
    """A pixel; says that its e-mail was opened."""
    await _note(request, Track.OPEN, _read(Track.OPEN, token))
    return Response(_GIF, media_type="image/gif", headers=_HEADERS)


@router.get("/t/c/{token}", status_code=302, response_class=RedirectResponse)
async def clicked(token: Token, request: Request) -> Response:
    """Leads to the link's target, which is inside the signed token."""
    tracked = _read(Track.CLICK, token)
    await _note(request, Track.CLICK, tracked)
    return RedirectResponse(tracked.url, status_code=302, headers=_HEADERS)


@router.head("/t/c/{token}", status_code=302, include_in_schema=False)
async def looked_at(token: Token) -> Response:
    """Who only asks where a link leads has not followed it."""
    return RedirectResponse(_read(Track.CLICK, token).url, status_code=302, headers=_HEADERS)


@router.post("/e/{token}", status_code=204, responses=_AWAY)
async def told(token: Token, body: AppEvent, request: Request) -> Response:
    """What an app tells of a push: `trackingUrl` of its payload leads here. `READ` counts as opened."""
    tracked = _read(Track.EVENT, token)
    if (update := tracked.told(body.event)) is not None:
        await request.app.state.reports.submit(_report(update))
    return Response(status_code=204)


def _read(track: Track, token: str) -> Tracked:
    tracked = tracking.read(track, token)
    if tracked is None:
        raise NotFound("This link is not one of ours.")
    return tracked


async def _note(request: Request, track: Track, tracked: Tracked) -> None:
    """Store it; whoever clicks gets where they want even if that fails."""
    try:
        await request.app.state.reports.submit(_report(tracked.update(track)))
    except Unavailable:
        _log.warning("tracking.lost", message_id=ids.to_wire(tracked.message_id), track=track)


def _report(update: StatusUpdate) -> Report:
    return Report(world=World.PRODUCTION, provider_id=None, updates=(update,), received_at=clock.now())
