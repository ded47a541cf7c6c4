"""``/pauses``: hold everything, a channel, a provider, a tenant or one request, and let it go. Ours alone."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel, Field
from starlette.responses import Response

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PathId
from notify.api.storable import storable
from notify.errors import NotFound
from notify.manage import pauses
from notify.manage.pauses import Held
from notify.model.pause import PauseKind

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such pause in force."}
}
_UNDER_WAY: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "A request with this Idempotency-Key is under way."}
}
router = APIRouter(
    tags=["pauses"],
    prefix="/pauses",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


class PauseBody(BaseModel):
    kind: PauseKind
    key: str | None = Field(
        default=None,
        description="The channel, the provider (key, alias or configuration id), the tenant or the request.",
        examples=["sms"],
    )
    reason: str | None = Field(default=None, max_length=500, description="Why; shown wherever it holds.")


class PauseView(BaseModel):
    id: str
    kind: PauseKind
    key: str
    label: str = Field(description="The key as people know it.")
    held: int = Field(description="Pieces of work it holds: messages, or single deliveries of them.")
    pausedBy: str
    paused: str = Field(description="UTC, ISO 8601.")
    reason: str | None = None
    resumed: str | None = Field(default=None, description="What it held is being let go since then.")


class PauseList(BaseModel):
    results: list[PauseView]


@router.get("", response_model_exclude_none=True)
def find(caller: Authenticated) -> PauseList:
    """What is paused in this world, and how much that holds."""
    return PauseList(results=[_view(held) for held in pauses.find(caller.world)])


@router.post("", status_code=201, responses=_UNDER_WAY, response_model_exclude_none=True)
def pause(body: PauseBody, caller: Authenticated) -> PauseView:
    """Pause from the next batch on; what is paused already stays as it is."""
    storable(body.model_dump())
    return _view(pauses.pause(caller.world, body.kind, body.key, body.reason))


@router.delete("/{pause_id}", status_code=204, responses=_NOT_FOUND)
def resume(pause_id: PathId, caller: Authenticated) -> Response:
    """Let everything go on that the pause holds, at once and in order."""
    pauses.resume(caller.world, _id(pause_id))
    return Response(status_code=204)


def _view(held: Held) -> PauseView:
    one = held.pause
    return PauseView(
        id=str(one.id),
        kind=one.kind,
        key=one.key,
        label=one.label,
        held=held.count,
        pausedBy=one.paused_by,
        paused=one.paused_at.isoformat(),
        reason=one.reason,
        resumed=one.resumed_at.isoformat() if one.resumed_at else None,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("This pause does not exist, or has been resumed.") from None
