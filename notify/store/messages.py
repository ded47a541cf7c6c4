"""Messages: one per recipient. Statuses move only as ``model.status.ALLOWED_FROM`` says."""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text

from notify.model import wire
from notify.model.names import Lane, Mode, World
from notify.model.status import ALLOWED_FROM, PROVEN_FROM, REACHED, Reason, Status
from notify.store import bulk, tables
from notify.store.db import Tx
from notify.store.message_list import COLUMNS


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
    archived_at: datetime | None = None
    list_id: str | None = None


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
                "archived_at": row.archived_at,
                "list_id": row.list_id,
            }
            for row in rows
        ],
    )


class Asked:
    """What a request asks, read and checked once for all of its messages in a batch."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.request = request
        self._checked: wire.SendMessage | None = None

    def of(self, body: dict[str, Any]) -> wire.SendMessage:
        """As it is for the recipient whose ``body`` this is; its own ``to`` was checked when it was accepted.

        Raises:
            ValidationError: it cannot be read any more.
        """
        if self._checked is None:
            self._checked = wire.SendMessage.model_validate(body)
            return self._checked
        return self._checked.model_copy(update={"to": body["to"]})


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredMessage:
    """What the stages need of a message. ``body``: the request's ``message`` object, ``to`` being its own.

    ``asked``: shared with the other messages of its request.
    """

    id: UUID
    request_id: UUID
    world: World
    recipient: str
    user_id: str | None
    tenant_id: str | None
    status: Status
    body: dict[str, Any]
    enqueued_at: datetime
    mode: Mode = Mode.PUBLISHED
    list_id: str | None = None
    asked: Asked | None = field(default=None, compare=False, repr=False)

    def message(self) -> wire.SendMessage:
        """What is asked for this message.

        Raises:
            ValidationError: it cannot be read any more.
        """
        return self.asked.of(self.body) if self.asked else wire.SendMessage.model_validate(self.body)


_EXISTING = text("SELECT id FROM message WHERE id = ANY(:ids) AND id BETWEEN :low AND :high")


def existing(tx: Tx, ids: Sequence[UUID]) -> set[UUID]:
    """Which of these there are already."""
    return set(tx.execute(_EXISTING, bulk.span(ids)).scalars()) if ids else set()


# Of the messages of one request, one brings the body along.
_LOAD = text("""
    SELECT m.id, m.request_id, m.world, m.recipient, m.user_id, m.tenant_id, m.status, m.entry, m.enqueued_at,
      m.list_id, CASE WHEN row_number() OVER (PARTITION BY m.request_id) = 1 THEN r.body END AS body, r.mode
    FROM message m
    LEFT JOIN request r ON r.id = m.request_id AND r.id BETWEEN :request_low AND :request_high
    WHERE m.id = ANY(:ids) AND m.id BETWEEN :low AND :high
""")


def load(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, StoredMessage]:
    """The messages with these ids and what was asked for each; nothing, if that is not kept any more."""
    if not ids:
        return {}
    parameters = bulk.span(ids)
    # A message keeps its request's timestamp, so the request lies within the same milliseconds.
    low, high = bulk.same_millisecond(parameters["low"], parameters["high"])
    rows = tx.execute(_LOAD, {**parameters, "request_low": low, "request_high": high}).all()
    asked = {row.request_id: Asked(row.body) for row in rows if row.body}
    return {row.id: _stored(row, asked.get(row.request_id)) for row in rows}


def _stored(row: Any, asked: Asked | None) -> StoredMessage:
    body = asked.request if asked else {}
    if asked and row.entry is not None:
        body = {**asked.request, "to": row.entry}
    if row.entry == {}:  # its recipient was erased
        body, asked = {}, None
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
        mode=Mode(row.mode or Mode.PUBLISHED),
        list_id=row.list_id,
        asked=asked,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChange:
    """``proven``: of a delivery that was held as unknown; the moves of ``PROVEN_FROM`` are allowed, too."""

    id: UUID
    status: Status
    at: datetime
    reason: Reason | None = None
    error: str | None = None
    proven: bool = False


def _moves(table: Mapping[Status, Set[Status]]) -> str:
    return " OR ".join(
        f"(r.status = '{to}' AND m.status = ANY(ARRAY[{','.join(repr(str(f)) for f in sorted(froms))}]))"
        for to, froms in table.items()
        if froms
    )


_ALLOWED = f"{_moves(ALLOWED_FROM)} OR r.proven AND ({_moves(PROVEN_FROM)})"
_STAMPED_BY = {
    # Where a provider's acceptance is also the delivery (webhooks), one change stands for both.
    "sent_at": (Status.SENT, Status.DELIVERED),
    "delivered_at": (Status.DELIVERED,),
    "opened_at": (Status.OPENED,),
    "clicked_at": (Status.CLICKED,),
    "canceled_at": (Status.CANCELED,),
}
_STAMPS = ", ".join(
    # The first occurrence, in whatever order they are told: least() passes over nulls.
    f"{column} = CASE WHEN r.status = ANY('{{{','.join(by)}}}') THEN least(m.{column}, r.at)"
    f" ELSE m.{column} END"
    for column, by in _STAMPED_BY.items()
)
_SET_STATUS = text(f"""
    UPDATE message m SET status = r.status, reason = r.reason, error = r.error,
      {_STAMPS}
    FROM json_to_recordset(CAST(:rows AS json))
      AS r(id uuid, status text, at timestamptz, reason text, error text, proven boolean)
    WHERE m.id = r.id AND {bulk.within("m.id")} AND ({_ALLOWED})
    RETURNING m.id, m.world
""")  # built from our own table of transitions


_SET_LATE = text(f"""
    UPDATE message m SET {_STAMPS}
    FROM json_to_recordset(CAST(:rows AS json)) AS r(id uuid, status text, at timestamptz)
    WHERE m.id = r.id AND {bulk.within("m.id")} AND m.status = ANY('{{{",".join(REACHED)}}}')
    RETURNING m.id, m.world
""")


def set_status(tx: Tx, changes: Sequence[StatusChange]) -> dict[UUID, World]:
    """Apply the changes that the table of transitions allows (one per message); return whose status moved.

    What comes too late to move the status (a DELIVERED after the OPENED) still sets its time, if it is the
    first. Stages call this through ``pipeline.announcing``, which tells of what has moved.
    """
    if not changes:
        return {}
    rows = [
        {"id": c.id, "status": c.status, "at": c.at, "reason": c.reason, "error": c.error, "proven": c.proven}
        for c in changes
    ]
    moved = _update(tx, _SET_STATUS, rows)
    if late := [row for row in rows if row["status"] in REACHED and row["id"] not in moved]:
        _update(tx, _SET_LATE, late)
    return moved


def _update(tx: Tx, statement: TextClause, rows: Sequence[bulk.Row]) -> dict[UUID, World]:
    parameters = {"rows": bulk.dumps(rows), **bulk.span([row["id"] for row in rows])}
    return {row.id: World(row.world) for row in tx.execute(statement, parameters)}


_LOCK = text(
    "SELECT id, status FROM message WHERE id = ANY(:ids) AND id BETWEEN :low AND :high ORDER BY id FOR UPDATE"
)


def lock(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Status]:
    """Lock the messages (always in the order of their ids) and tell their statuses.

    Two deliveries of one message that end at the same moment must decide one after the other.
    """
    return {row.id: Status(row.status) for row in tx.execute(_LOCK, bulk.span(ids))} if ids else {}


_SET_TENANTS = text(f"""
    UPDATE message m SET tenant_id = r.tenant_id FROM {bulk.recordset(tables.message, ("id", "tenant_id"))}
    WHERE m.id = r.id AND {bulk.within("m.id")}
""")


def set_tenants(tx: Tx, found: Mapping[UUID, str]) -> None:
    """Write down in which tenants these messages are sent."""
    if found:
        rows = bulk.dumps([{"id": id_, "tenant_id": tenant_id} for id_, tenant_id in found.items()])
        tx.execute(_SET_TENANTS, {"rows": rows, **bulk.span(list(found))})


_ARCHIVE = text("""
    UPDATE message SET archived_at = :at
    FROM (
      SELECT id FROM message
      WHERE id BETWEEN :low AND :high AND request_id = :request_id AND archived_at IS NULL
      ORDER BY id FOR UPDATE
    ) AS shown
    WHERE message.id = shown.id AND message.id BETWEEN :low AND :high
""")


def archive(tx: Tx, request_id: UUID, at: datetime) -> None:
    """Archive every message of a request."""
    low, high = bulk.same_millisecond(request_id, request_id)
    tx.execute(_ARCHIVE, {"request_id": request_id, "low": low, "high": high, "at": at})


_STATUSES = text("""
    SELECT status, count(*) AS messages FROM message
    WHERE id BETWEEN :low AND :high AND (id = :request_id OR request_id = :request_id AND request_id <> id)
    GROUP BY status
""")


def statuses(tx: Tx, request_id: UUID) -> dict[Status, int]:
    """How many messages of a request have which status."""
    low, high = bulk.same_millisecond(request_id, request_id)
    rows = tx.execute(_STATUSES, {"request_id": request_id, "low": low, "high": high})
    return {Status(row.status): row.messages for row in rows}


def get(tx: Tx, world: World, id_: UUID) -> Any | None:
    """What the API shows of the message with this id in this world, archived ones included."""
    query = text(f"SELECT {COLUMNS} FROM message WHERE id = :id AND world = :world")
    return tx.execute(query, {"id": id_, "world": world}).one_or_none()


_SHOWN = text(f"""
    SELECT {COLUMNS}, (
      SELECT body -> 'metadata' FROM request r
      WHERE r.id = message.request_id AND r.id BETWEEN :request_low AND :request_high
    ) AS metadata
    FROM message WHERE id = ANY(:ids) AND id BETWEEN :low AND :high
""")


def shown(tx: Tx, ids: Sequence[UUID]) -> dict[UUID, Any]:
    """What is shown of these messages, and the metadata they were sent with."""
    if not ids:
        return {}
    parameters = bulk.span(ids)
    low, high = bulk.same_millisecond(parameters["low"], parameters["high"])
    rows = tx.execute(_SHOWN, {**parameters, "request_low": low, "request_high": high})
    return {row.id: row for row in rows}
