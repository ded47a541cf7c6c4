"""``/suppressions``: addresses that get nothing since they bounced or their owners complained. Ours alone."""

from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field
from starlette.responses import Response

from notify import ids
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PAGE_SIZE, Cursor, Paging, PathId, Word, decode_as, page_by_id
from notify.clock import to_ms
from notify.errors import NotFound
from notify.manage import suppressions
from notify.model.names import Channel
from notify.model.receipt import SuppressionReason
from notify.store.suppressions import Suppression

_NOT_FOUND: dict[int | str, dict[str, Any]] = {
    404: {"model": ErrorBody, "description": "No such suppression."}
}
router = APIRouter(
    tags=["suppressions"], prefix="/suppressions", responses=RESPONSES, dependencies=[DOCUMENTED]
)


class SuppressionView(BaseModel):
    """``address`` is masked; the address itself is not stored."""

    id: str
    channel: Channel
    address: str = Field(examples=["a***@example.com"])
    reason: SuppressionReason
    detail: str | None = Field(default=None, description="What the provider said.")
    messageId: str = Field(description="The message that bounced or was complained of.")
    created: int = Field(description="UTC, epoch milliseconds.")


class SuppressionPage(BaseModel):
    paging: Paging
    results: list[SuppressionView]


@router.get("", response_model_exclude_none=True)
def find(
    caller: Authenticated,
    channel: Annotated[Channel | None, Query()] = None,
    address: Word = None,
    cursor: Cursor = None,
) -> SuppressionPage:
    """Suppressed addresses, newest first; or only what concerns one channel or address."""
    query = ("suppressions", channel, address)
    before = decode_as(UUID, cursor, query)
    rows = suppressions.find(
        caller.world, channel=channel, address=address, before=before, limit=PAGE_SIZE + 1
    )
    paging, shown = page_by_id(rows, query)
    return SuppressionPage(paging=paging, results=[_view(row) for row in shown])


@router.delete("/{suppression_id}", status_code=204, responses=_NOT_FOUND)
def lift(suppression_id: PathId, caller: Authenticated) -> Response:
    """Send to the address again."""
    suppressions.lift(caller.world, _id(suppression_id))
    return Response(status_code=204)


def _view(row: Suppression) -> SuppressionView:
    return SuppressionView(
        id=str(row.id),
        channel=row.channel,
        address=row.masked,
        reason=row.reason,
        detail=row.detail,
        messageId=ids.to_wire(row.message_id),
        created=to_ms(row.created_at) or 0,
    )


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        raise NotFound("This suppression does not exist.") from None
