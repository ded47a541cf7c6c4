"""The message list: filters in, the newest messages that match all of them out.

Most filters have an index that holds the messages newest first: a page costs the same however many there are.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import product
from typing import Any
from uuid import UUID

from sqlalchemy import text

from notify import ids
from notify.model.names import World
from notify.model.status import Status
from notify.store import bulk
from notify.store.db import Tx


@dataclass(frozen=True, slots=True, kw_only=True)
class Filters:
    """Filters of ``GET /messages``; all that are set must hold. ``archived``: archived ones as well."""

    statuses: tuple[Status, ...] = ()
    recipient: str | None = None
    notification: str | None = None
    event: str | None = None
    list_id: str | None = None
    trace_id: str | None = None
    request_id: UUID | None = None
    message_id: UUID | None = None
    tenant_id: str | None = None
    providers: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    any_tags: tuple[str, ...] = ()
    enqueued_after: datetime | None = None
    archived: bool = False
    before: UUID | None = None


_CONDITIONS = {
    "recipient": "recipient = :recipient",
    "notification": "notification = :notification",
    "event": "event = :event",
    "list_id": "list_id = :list_id",
    "message_id": "id = :message_id",
    "tenant_id": "tenant_id = :tenant_id",
    # An id is never older than its message: where the list ends is known without looking at the rest.
    "enqueued_after": "enqueued_at > :enqueued_after AND id >= :oldest",
    # Only what has tags is in their index.
    "tags": "tags @> CAST(:tags AS text[]) AND tags <> '{}'",
    "any_tags": "tags && CAST(:any_tags AS text[]) AND tags <> '{}'",
    "providers": (
        "EXISTS (SELECT FROM delivery d WHERE d.message_id = message.id AND d.provider = ANY(:providers))"
    ),
    "before": "id < :before",
}
COLUMNS = (
    "id, request_id, recipient, user_id, tenant_id, status, reason, error, event, notification, tags, "
    "trace_id, enqueued_at, sent_at, delivered_at, opened_at, clicked_at, canceled_at"
)
# What is unfinished has work, and the work table is short.
_UNFINISHED = (
    "notable IS NULL AND status = '{}' AND EXISTS (SELECT FROM work WHERE work.message_id = message.id)"
)
_ORDINARY = {
    Status.ENQUEUED: _UNFINISHED.format(Status.ENQUEUED),
    Status.ROUTED: _UNFINISHED.format(Status.ROUTED),
    Status.SENT: "notable IS NULL AND status = 'SENT'",
}
_CLOCKS = timedelta(seconds=5)
"""How far the clock may go back between the time of a message and its id."""

# A plan for any value would not know the rare ones from the common ones.
_PLAN_ANEW = text("SET LOCAL plan_cache_mode = force_custom_plan")


def find(tx: Tx, world: World, filters: Filters, limit: int) -> Sequence[Any]:
    """At most ``limit`` messages, newest first."""
    parameters = {"world": world, "limit": limit, **_parameters(filters)}
    shared = ["world = :world", *(_CONDITIONS[name] for name in _CONDITIONS if name in parameters)]
    if not filters.archived:
        shared.append("archived_at IS NULL")
    queries = [_union(filters, shared)]
    if filters.tags or filters.any_tags:
        queries.insert(0, _union(filters, shared, f"({_recent(parameters)}) AS message"))
    tx.execute(_PLAN_ANEW)
    rows: Sequence[Any] = ()
    for query in queries:
        if len(rows) < limit:
            rows = tx.execute(text(query), parameters).all()
    return rows


def _union(filters: Filters, shared: Sequence[str], source: str = "message") -> str:
    """The newest of what each alternative finds."""
    branches = [_newest(source, [*shared, *alternative]) for alternative in _alternatives(filters)]
    if len(branches) == 1:
        return branches[0]
    found = " UNION ALL ".join(f"({branch})" for branch in branches)
    return f"SELECT DISTINCT ON (id) * FROM ({found}) AS found ORDER BY id DESC LIMIT :limit"


# Tags are indexed without order, and their combinations are anybody's guess: what is common is found among
# the newest messages, and only what is rare is looked up.
_RECENT = 20_000


def _recent(parameters: Mapping[str, Any]) -> str:
    before = f"AND {_CONDITIONS['before']}" if "before" in parameters else ""
    return f"SELECT * FROM message WHERE world = :world {before} ORDER BY id DESC LIMIT {_RECENT}"


def _newest(source: str, conditions: Sequence[str]) -> str:
    return f"SELECT {COLUMNS} FROM {source} WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT :limit"


def _alternatives(filters: Filters) -> Iterator[tuple[str, ...]]:
    """Each combination of values that an index can look up in order; the list is the newest of them all."""
    choices = [[_ORDINARY.get(status, f"notable = '{status}'") for status in filters.statuses]]
    if filters.trace_id is not None:
        own = "trace_id = :trace_id"
        request = "request_id = :request_id AND id BETWEEN :request_low AND :request_high"
        choices.append([own, request] if filters.request_id else [own])
    return product(*(choice for choice in choices if choice))


def _parameters(filters: Filters) -> dict[str, Any]:
    values = {name: getattr(filters, name) for name in (*_CONDITIONS, "trace_id", "request_id")}
    given = {k: list(v) if isinstance(v, tuple) else v for k, v in values.items() if v not in (None, ())}
    if filters.enqueued_after:
        given["oldest"] = ids.earliest(filters.enqueued_after - _CLOCKS)
    if filters.request_id:
        low, high = bulk.same_millisecond(filters.request_id, filters.request_id)
        given |= {"request_low": low, "request_high": high}
    return given
