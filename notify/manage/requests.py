"""Requests as people handle them: how far one has come, archiving what was sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from notify import clock, ids
from notify.errors import NotFound
from notify.model.names import World
from notify.model.status import Status
from notify.store import db, messages, requests


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``statuses``: its messages so far. ``expanded_at``: since when all of them are made."""

    created_at: datetime
    statuses: Mapping[Status, int]
    expanded_at: datetime | None
    error: str | None


def progress(world: World, wire_id: str) -> Progress:
    """How far a request has come. One to a single recipient is made at once.

    Raises:
        NotFound: there is none with this id.
    """
    id_ = ids.from_wire(wire_id)
    with db.begin() as tx:
        row = requests.progress(tx, world, id_) if id_ else None
        if id_ is None or row is None:
            raise NotFound(f"Request {wire_id!r} does not exist.")
        statuses = messages.statuses(tx, id_)
    # A single one is its own message.
    alone = row.created_at if row.expanded is None and statuses else None
    return Progress(
        created_at=row.created_at,
        statuses=statuses,
        expanded_at=row.expanded_at or alone,
        error=row.expand_error,
    )


def archive(world: World, wire_id: str) -> None:
    """Hide all messages of a request from lists, those that are still to be made of it included.

    Raises:
        NotFound: there is none with this id.
    """
    id_, now = ids.from_wire(wire_id), clock.now()
    with db.begin() as tx:
        if id_ is None or not requests.archive(tx, world, id_, now):
            raise NotFound(f"Request {wire_id!r} does not exist.")
        messages.archive(tx, id_, now)
