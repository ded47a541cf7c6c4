"""Messages: one per recipient. Statuses move only as ``model.status.ALLOWED_FROM`` says."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify.model.names import Lane, World
from notify.model.status import ALLOWED_FROM, Reason, Status
from notify.store import bulk, tables
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMessage:
    """``entry``: this recipient's own entry of a fan-out's ``to``; None when the request has just one."""

    id: UUID
    request_id: UUID
    world: World
    lane: Lane
    recipient: str
    user_id: str | None
    tenant_id: str | None
    entry: dict[str, Any] | None
    event: str | None
    notification: str | None
    tags: tuple[str, ...]
    trace_id: str | None
    enqueued_at: datetime


def insert(tx: Tx, rows: Sequence[NewMessage]) -> None:
    """Store new messages as ENQUEUED; one that is there already stays as it is."""
    bulk.insert(
        tx,
        tables.message,
        [
            {
                "id": row.id,
                "request_id": row.request_id,
                "world": row.world,
                "lane": row.lane,
                "recipient": row.recipient,
                "user_id": row.user_id,
                "tenant_id": row.tenant_id,
                "entry": row.entry,
                "status": Status.ENQUEUED,
                "event": row.event,
                "notification": row.notification,
                "tags": row.tags,
                "trace_id": row.trace_id,
                "enqueued_at": row.enqueued_at,
            }
            for row in rows
        ],
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """What the stages need of a message. ``body``: the request's ``message`` object, ``to`` being its own."""

    id: UUID
    request_id: UUID
    world: World
    recipient: str
    user_id: str | None
    tenant_id: str | None
    status: Status
    body: dict[str, Any]
    enqueued_at: datetime


_LOAD = text("""
    SELECT m.id, m.request_id, m.world, m.recipient, m.user_id, m.tenant_id, m.status, m.entry, m.enqueued_at,
      r.body
    FROM message m JOIN request r ON r.id = m.request_id
    WHERE m.id = ANY(:ids) AND m.id BETWEEN :low AND :high AND r.id BETWEEN :request_low AND :request_high
""")


def load(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, StoredMessage]:
    """The messages with these ids and what was asked for each."""
    if not ids:
        return {}
    parameters = bulk.span(ids)
    # A message keeps its request's timestamp, so the request lies within the same milliseconds.
    low, high = _same_millisecond(parameters["low"], parameters["high"])
    rows = tx.execute(_LOAD, {**parameters, "request_low": low, "request_high": high})
    return {row.id: _stored(row) for row in rows}


def _same_millisecond(low: UUID, high: UUID) -> tuple[UUID, UUID]:
    mask = (1 << 80) - 1
    return UUID(int=low.int & ~mask), UUID(int=high.int | mask)


def _stored(row: Any) -> StoredMessage:
    body = row.body if row.entry is None else {**row.body, "to": row.entry}
    return StoredMessage(
        id=row.id,
        request_id=row.request_id,
        world=World(row.world),
        recipient=row.recipient,
        user_id=row.user_id,
        tenant_id=row.tenant_id,
        status=Status(row.status),
        body=body,
        enqueued_at=row.enqueued_at,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    id: UUID
    status: Status
    at: datetime
    reason: Reason | None = None
    error: str | None = None


_ALLOWED = " OR ".join(
    f"(r.status = '{to}' AND m.status = ANY(ARRAY[{','.join(repr(str(f)) for f in sorted(froms))}]))"
    for to, froms in ALLOWED_FROM.items()
    if froms
)
_STAMPED_BY = {
    # Where a provider's acceptance is also the delivery (webhooks), one change stands for both.
    "sent_at": (Status.SENT, Status.DELIVERED),
    "delivered_at": (Status.DELIVERED,),
    "opened_at": (Status.OPENED,),
    "clicked_at": (Status.CLICKED,),
    "canceled_at": (Status.CANCELED,),
}
_STAMPS = ", ".join(
    f"{column} = CASE WHEN r.status = ANY('{{{','.join(by)}}}') THEN coalesce(m.{column}, r.at)"
    f" ELSE m.{column} END"
    for column, by in _STAMPED_BY.items()
)
_SET_STATUS = text(f"""
    UPDATE message m SET status = r.status, reason = r.reason, error = r.error,
      {_STAMPS}
    FROM json_to_recordset(CAST(:rows AS json))
      AS r(id uuid, status text, at timestamptz, reason text, error text)
    WHERE m.id = r.id AND m.id BETWEEN :low AND :high AND ({_ALLOWED})
    RETURNING m.id
""")  # built from our own table of transitions


def set_status(tx: Tx, changes: Sequence[StatusChange]) -> set[UUID]:
    """Apply the changes that the table of transitions allows (one per message); return whose status moved."""
    if not changes:
        return set()
    rows = [
        {"id": c.id, "status": c.status, "at": c.at, "reason": c.reason, "error": c.error} for c in changes
    ]
    ids = [change.id for change in changes]
    return set(
        tx.execute(_SET_STATUS, {"rows": bulk.dumps(rows), "low": min(ids), "high": max(ids)}).scalars()
    )


_LOCK = text(
    "SELECT id, status FROM message WHERE id = ANY(:ids) AND id BETWEEN :low AND :high ORDER BY id FOR UPDATE"
)


def lock(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Status]:
    """Lock the messages (always in the order of their ids) and tell their statuses.

    Two deliveries of one message that end at the same moment must decide one after the other.
    """
    return {row.id: Status(row.status) for row in tx.execute(_LOCK, bulk.span(ids))} if ids else {}


# --- what the API reads --------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Filters of ``GET /messages``; all that are set must hold."""

    statuses: tuple[Status, ...] = ()
    recipient: str | None = None
    notification: str | None = None
    event: str | None = None
    trace_id: str | None = None
    request_id: UUID | None = None
    message_id: UUID | None = None
    tenant_id: str | None = None
    providers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    any_tags: tuple[str, ...] = ()
    enqueued_after: datetime | None = None
    archived: bool = False
    before: UUID | None = field(default=None)


_CONDITIONS = {
    "statuses": "status = ANY(:statuses)",
    "recipient": "recipient = :recipient",
    "notification": "notification = :notification",
    "event": "event = :event",
    "message_id": "id = :message_id",
    "tenant_id": "tenant_id = :tenant_id",
    "tags": "tags @> CAST(:tags AS text[])",
    "any_tags": "tags && CAST(:any_tags AS text[])",
    "enqueued_after": "enqueued_at > :enqueued_after",
    "before": "id < :before",
    "providers": (
        "EXISTS (SELECT FROM delivery d WHERE d.message_id = message.id AND d.provider = ANY(:providers))"
    ),
}
_COLUMNS = (
    "id, request_id, recipient, user_id, tenant_id, status, reason, error, event, notification, tags, "
    "trace_id, enqueued_at, sent_at, delivered_at, opened_at, clicked_at, canceled_at"
)


def find(tx: Tx, world: World, filters: Filters, limit: int) -> Sequence[Any]:
    """At most ``limit`` messages, newest first."""
    values = {name: getattr(filters, name) for name in _CONDITIONS}
    given = {name: value for name, value in values.items() if value not in (None, ())}
    conditions = ["world = :world", *(_CONDITIONS[name] for name in given)]
    conditions.append("archived_at IS NOT NULL" if filters.archived else "archived_at IS NULL")
    parameters = {key: list(v) if isinstance(v, tuple) else v for key, v in given.items()}
    if filters.trace_id is not None or filters.request_id is not None:
        conditions.append("(trace_id = :trace_id OR request_id = :request_id)")
        parameters |= {"trace_id": filters.trace_id, "request_id": filters.request_id}
    query = f"SELECT {_COLUMNS} FROM message WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT :limit"
    return tx.execute(text(query), {**parameters, "world": world, "limit": limit}).all()


def get(tx: Tx, world: World, id_: UUID) -> Any | None:
    """The message with this id in this world, archived ones included."""
    query = text(f"SELECT {_COLUMNS} FROM message WHERE id = :id AND world = :world")
    return tx.execute(query, {"id": id_, "world": world}).one_or_none()
