"""Why a message went where it went: its plan, attempts and log, put together."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from notify import clock, ids
from notify.errors import NotFound
from notify.model.names import World
from notify.model.plan import Attempted, Plan, Skipped
from notify.model.status import EventType
from notify.pipeline.preview import Said, outputs_of
from notify.store import contents, db, deliveries, events, messages
from notify.store.events import Event
from notify.store.messages import StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """``plan`` is None until the message is routed, or when nothing could take it. ``log``: what decided."""

    at: datetime
    message: StoredMessage
    row: Any
    plan: Plan | None
    attempts: Sequence[Attempted]
    skipped: Sequence[Skipped]
    outputs: Sequence[Said]
    log: Sequence[Event]


_DECIDES = frozenset(
    {
        EventType.MAPPED, EventType.DELAYED, EventType.ROUTED, EventType.FILTERED, EventType.UNMAPPED,
        EventType.UNROUTABLE, EventType.UNDELIVERABLE, EventType.RETRYING, EventType.WAITING,
        EventType.SKIPPED, EventType.SENT, EventType.SIMULATED, EventType.CANCELED, EventType.THROTTLED,
        EventType.DELIVERED,
    }
)  # fmt: skip


def explain(world: World, wire_id: str) -> Explanation:
    """The explanation of a message as it stands.

    Raises:
        NotFound: there is none with this id.
    """
    id_ = ids.from_wire(wire_id)
    with db.begin() as tx:
        row = messages.get(tx, world, id_) if id_ else None
        if row is None:
            raise NotFound(f"Message {wire_id!r} does not exist.")
        stored = messages.load(tx, [row.id])[row.id]
        content = contents.load(tx, [row.id]).get(row.id)
        plan = contents.plans(tx, [row.id]).get(row.id)
        tried = deliveries.of_messages(tx, [row.id]).get(row.id, [])
        log = events.of(tx, row.id)
    return Explanation(
        at=clock.now(),
        message=stored,
        row=row,
        plan=plan,
        attempts=[delivery.attempted() for delivery in tried],
        skipped=plan.skipped if plan else _skipped(log),
        outputs=outputs_of(stored, content, plan) if plan and content else (),
        log=[event for event in log if event.type in _DECIDES],
    )


def _skipped(log: Sequence[Event]) -> list[Skipped]:
    """What route left out of a message that it could not route, as it noted it."""
    noted = (skip for event in log for skip in event.detail.get("skipped") or ())
    return [Skipped(**skip) for skip in noted]
