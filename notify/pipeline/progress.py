"""What a decision of ``routing.advance`` means in rows: deliveries to begin, or a message's final status.

Route (the first deliveries) and deliver (what follows an outcome) both end here.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from notify import ids, settings
from notify.model.names import Lane
from notify.model.plan import Final, Start
from notify.model.status import ALLOWED_FROM, EventType, Status
from notify.model.work import Handoff, Place, Stage, Wake, Work
from notify.pipeline import announcing
from notify.store import bulk, db, deliveries, events, work
from notify.store.deliveries import Delivery
from notify.store.events import Event
from notify.store.messages import StatusChange, StoredMessage


@dataclass(slots=True)
class Progress:
    """Everything one transaction will write, gathered message by message and written in a few statements."""

    now: datetime
    lane: Lane
    started: list[Delivery] = field(default_factory=list)
    todo: list[Work] = field(default_factory=list)
    log: list[Event] = field(default_factory=list)
    changes: dict[UUID, StatusChange] = field(default_factory=dict)

    def start(self, message: StoredMessage, starts: Sequence[Start]) -> None:
        """Begin these deliveries now."""
        for start in starts:
            delivery = self._delivery(message, start)
            place = Place(stage=Stage.DELIVER, lane=self.lane, channel=delivery.channel)
            self.started.append(delivery)
            self.todo.append(
                Work(
                    id=delivery.id,
                    message_id=message.id,
                    world=message.world,
                    place=place,
                    due_at=self.now,
                    tenant_id=message.tenant_id,
                )
            )

    def _delivery(self, message: StoredMessage, start: Start) -> Delivery:
        candidate = start.leaf.candidates[start.candidate]
        return Delivery(
            message_id=message.id,
            # The same leaf and provider is the same row, whoever starts it and however often.
            id=ids.child(message.id, f"{start.leaf.key}/{start.candidate}"),
            leaf=start.leaf.key,
            candidate=start.candidate,
            channel=start.leaf.channel,
            provider=candidate.provider,
            provider_id=UUID(candidate.id),
            started_at=self.now,
        )

    def escalate(self, message: StoredMessage, delivery_id: UUID, due: datetime) -> None:
        """Look at a delivery that was sent again when its time to reach somebody is up."""
        place = Place(stage=Stage.ESCALATE, lane=self.lane)
        self.todo.append(
            Work(
                id=escalation_of(delivery_id),
                message_id=message.id,
                world=message.world,
                place=place,
                due_at=due,
            )
        )

    def status(self, message_id: UUID, status: Status) -> None:
        """The message moves on; it is not over. Of several deliveries' news, the best counts."""
        before = self.changes.get(message_id)
        if before is None or before.status in ALLOWED_FROM[status]:
            self.changes[message_id] = StatusChange(id=message_id, status=status, at=self.now)

    def end(self, message_id: UUID, final: Final) -> None:
        """The message ends with this status (a success keeps what its deliveries have reached)."""
        if final.status is Status.SENT:
            self.changes.setdefault(message_id, StatusChange(id=message_id, status=Status.SENT, at=self.now))
            return
        self.changes[message_id] = StatusChange(
            id=message_id, status=final.status, at=self.now, reason=final.reason, error=final.error
        )

    def note(self, message_id: UUID, type_: EventType, **detail: object) -> None:
        """Add a line to the message's log."""
        self.log.append(Event(message_id=message_id, at=self.now, type=type_, detail=detail))

    def write(self, tx: db.Tx) -> Handoff:
        """Write it all; return the wake-ups for what was started, and for what is to be told."""
        horizon = self.now + timedelta(seconds=settings.load().horizon_s)
        with bulk.together(tx):
            deliveries.insert(tx, self.started)
            work.add(tx, self.todo, horizon=horizon)
            events.append(tx, self.log)
        told = announcing.set_status(tx, list(self.changes.values()), self.lane)
        return told + tuple(
            Wake(place=row.place, ids=(row.id,), at=row.due_at if row.due_at > self.now else None)
            for row in self.todo
            if row.due_at <= horizon
        )


def escalation_of(delivery_id: UUID) -> UUID:
    """The id of the work that waits for a delivery's escalation."""
    return ids.child(delivery_id, "escalate")
