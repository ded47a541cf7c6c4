"""``/messages``: list, read, history, output."""

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Query

from notify import clock, ids
from notify.api import message_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.paging import PAGE_SIZE, Cursor, Many, PathId, Word, decode, page, split
from notify.errors import InvalidRequest
from notify.manage import messages
from notify.model.status import HISTORY_TYPES, Status
from notify.store.messages import Filters

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such message."}}
router = APIRouter(tags=["messages"], prefix="/messages", responses=RESPONSES, dependencies=[DOCUMENTED])


@router.get("", response_model=views.MessagePage, response_model_exclude_none=True)
def find(
    caller: Authenticated,
    cursor: Cursor = None,
    archived: bool = False,
    enqueued_after: Annotated[str | None, Query(description="Epoch milliseconds, or ISO 8601.")] = None,
    event: Word = None,
    messageId: Word = None,  # the reference's name
    notification: Word = None,
    provider: Many = None,
    recipient: Word = None,
    status: Many = None,
    tag: Many = None,
    tags: Many = None,
    tenant_id: Word = None,
    traceId: Word = None,  # the reference's name
) -> views.MessagePage:
    """Messages, newest first, 100 a page; filters combine with AND."""
    if messageId and ids.from_wire(messageId) is None:
        return views.MessagePage(paging=page([], None), results=[])
    before = decode(cursor)
    filters = Filters(
        statuses=_statuses(split(status)),
        recipient=recipient,
        notification=notification,
        event=event,
        trace_id=traceId,
        request_id=ids.from_wire(traceId) if traceId else None,
        message_id=ids.from_wire(messageId) if messageId else None,
        tenant_id=tenant_id,
        providers=split(provider),
        tags=split(tag),
        any_tags=split(tags),
        enqueued_after=_instant(enqueued_after) if enqueued_after else None,
        archived=archived,
        before=_uuid(before),
    )
    rows = messages.find(caller.world, filters, PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    last = ids.to_wire(shown[-1].id) if shown else None
    return views.MessagePage(paging=page(rows, last), results=[views.message(row) for row in shown])


@router.get(
    "/{message_id}",
    response_model=views.MessageDetail,
    response_model_exclude_none=True,
    responses=_NOT_FOUND,
)
def get(message_id: PathId, caller: Authenticated) -> views.MessageDetail:
    """A message's status, and each provider that was tried."""
    return views.detail(messages.get(caller.world, message_id))


@router.get("/{message_id}/history", responses=_NOT_FOUND)
def history(
    message_id: PathId, caller: Authenticated, type: Annotated[str | None, Query()] = None
) -> views.History:
    """Everything that happened to a message, oldest first."""
    if type is not None and type not in HISTORY_TYPES:
        raise InvalidRequest(f"type: must be one of {', '.join(sorted(HISTORY_TYPES))}")
    entries = views.history(messages.history(caller.world, message_id))
    return views.History(results=[e for e in entries if type in (None, e["type"])])


@router.get("/{message_id}/output", responses=_NOT_FOUND)
def output(message_id: PathId, caller: Authenticated) -> views.Outputs:
    """What the message said on each channel; empty until it is rendered."""
    return views.outputs(messages.outputs(caller.world, message_id))


def _statuses(names: tuple[str, ...]) -> tuple[Status, ...]:
    unknown = [name for name in names if name not in Status.__members__]
    if unknown:
        raise InvalidRequest(f"status: {unknown[0]!r} is not a status")
    return tuple(Status(name) for name in names)


def _instant(text: str) -> datetime:
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, clock.UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest("enqueued_after: give epoch milliseconds or ISO 8601") from None
    return at if at.tzinfo else at.replace(tzinfo=clock.UTC)


def _uuid(cursor_id: str | None) -> Any:
    if cursor_id is None:
        return None
    found = ids.from_wire(cursor_id)
    if found is None:
        raise InvalidRequest("cursor: not a cursor of this list")
    return found
