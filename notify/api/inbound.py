"""``/inbound/courier``: events that applications report."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, Field

from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.storable import storable
from notify.manage import inbound

_KNOWN: dict[int | str, dict[str, Any]] = {
    409: {"model": ErrorBody, "description": "An event with this `messageId` was received before."}
}
_Id = Annotated[str, Field(min_length=1, max_length=512), AfterValidator(storable)]
router = APIRouter(
    tags=["inbound"],
    prefix="/inbound",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


class TrackBody(BaseModel):
    event: _Id = Field(examples=["order.shipped"])
    messageId: _Id = Field(description="Yours; the same one twice is a conflict.")
    type: Literal["track"]
    properties: Annotated[dict[str, Any], AfterValidator(storable)]
    userId: _Id | None = None


class Tracked(BaseModel):
    messageId: str


@router.post("/courier", status_code=202, responses=_KNOWN)
def track(body: TrackBody, caller: Authenticated) -> Tracked:
    """Report an event; it is kept for what it may start."""
    inbound.track(caller.world, body.event, body.messageId, user_id=body.userId, properties=body.properties)
    return Tracked(messageId=body.messageId)
