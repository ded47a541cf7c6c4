"""``/messages``: list, read, cancel, history, output."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Query, Response

from notify import clock, ids
from notify.api import message_views as views
from notify.api.auth import DOCUMENTED, Authenticated
from notify.api.errors import RESPONSES, ErrorBody
from notify.api.idempotency import IdempotentRoute
from notify.api.paging import PAGE_SIZE, Cursor, Many, Paging, PathId, Word, decode_as, page, split
from notify.api.publisher import Wakes
from notify.errors import InvalidRequest
from notify.manage import messages
from notify.model.status import HISTORY_TYPES, Status
from notify.store.message_list import Filters

_NOT_FOUND: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody, "description": "No such message."}}
router = APIRouter(
    tags=["messages"],
    prefix="/messages",
    responses=RESPONSES,
    dependencies=[DOCUMENTED],
    route_class=IdempotentRoute,
)


@router.get("", response_model=views.MessagePage, response_model_exclude_none=True)
def find(
    caller: Authenticated,
    cursor: Cursor = None,
    archived: Annotated[bool, Query(description="Archived messages as well.")] = False,
    enqueued_after: Annotated[str | None, Query(description="Epoch milliseconds, or ISO 8601.")] = None,
    event: Word = None,
    list: Word = None,  # the reference's name
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
        return views.MessagePage(paging=Paging(more=False), results=[])
    filters = Filters(
        statuses=_statuses(split(status)),
        recipient=caller.recipient(recipient),
        notification=notification,
        event=event,
        list_id=list,
        trace_id=traceId,
        request_id=ids.from_wire(traceId) if traceId else None,
        message_id=ids.from_wire(messageId) if messageId else None,
        tenant_id=tenant_id,
        providers=_set(provider),
        tags=_set(tag),
        any_tags=_set(tags),
        enqueued_after=_instant(enqueued_after) if enqueued_after else None,
        archived=archived,
    )
    before = decode_as(_uuid, cursor, filters)
    rows = messages.find(caller.world, replace(filters, before=before), PAGE_SIZE + 1)
    shown = rows[:PAGE_SIZE]
    last = ids.to_wire(shown[-1].id) if shown else None
    return views.MessagePage(paging=page(rows, last, filters), results=[views.message(row) for row in shown])


@router.get(
    "/{message_id}",
    response_model=views.MessageDetail,
    response_model_exclude_none=True,
    responses=_NOT_FOUND,
)
def get(message_id: PathId, caller: Authenticated) -> views.MessageDetail:
    """A message's status, and each provider that was tried."""
    found = messages.get(caller.world, message_id)
    caller.check_sees(found.row.recipient)
    return views.detail(found)


@router.post(
    "/{message_id}/cancel",
    response_model=views.MessageDetail,
    response_model_exclude_none=True,
    responses={
        **_NOT_FOUND,
        409: {"model": views.MessageDetail, "description": "Too late: the message, unchanged."},
    },
)
def cancel(
    message_id: PathId, caller: Authenticated, response: Response, wakes: Wakes
) -> views.MessageDetail:
    """Cancel a message that still waits: for its turn, its delay, or its next try."""
    done, found = messages.cancel(caller.world, message_id, wake=wakes.offer)
    if not done:
        response.status_code = 409
        # Without this header the official clients try it three times.
        response.headers["x-should-retry"] = "false"
    return views.detail(found)


@router.get("/{message_id}/history", responses=_NOT_FOUND)
def history(
    message_id: PathId, caller: Authenticated, type: Annotated[str | None, Query()] = None
) -> views.History:
    """Everything that happened to a message, oldest first."""
    if type is not None and type not in HISTORY_TYPES:
        raise InvalidRequest(f"type: must be one of {', '.join(sorted(HISTORY_TYPES))}")
    found = messages.history(caller.world, message_id)
    caller.check_sees(found.row.recipient)
    entries = views.history(found)
    return views.History(results=[e for e in entries if type in (None, e["type"])])


@router.get("/{message_id}/output", responses=_NOT_FOUND)
def output(message_id: PathId, caller: Authenticated) -> views.Outputs:
    """What the message said on each channel; empty until it is rendered."""
    if caller.users is not None:
        caller.check_sees(messages.get(caller.world, message_id).row.recipient)
    return views.outputs(messages.outputs(caller.world, message_id))


def _statuses(names: tuple[str, ...]) -> tuple[Status, ...]:
    unknown = [name for name in names if name not in Status.__members__]
    if unknown:
        raise InvalidRequest(f"status: {unknown[0]!r} is not a status")
    return tuple(sorted({Status(name) for name in names}))


def _set(values: Many) -> tuple[str, ...]:
    """In an order of its own, since the same filters must make the same cursor."""
    return tuple(sorted(set(split(values))))


def _instant(text: str) -> datetime:
    try:
        if text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, clock.UTC)
        at = datetime.fromisoformat(text)
    except (ValueError, OverflowError, OSError):
        raise InvalidRequest("enqueued_after: give epoch milliseconds or ISO 8601") from None
    return at if at.tzinfo else at.replace(tzinfo=clock.UTC)


def _uuid(text: str) -> UUID:
    if (found := ids.from_wire(text)) is None:
        raise ValueError("not an id of a message")
    return found
