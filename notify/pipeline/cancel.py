"""cancel: a message that waits ends as CANCELED; one that was sent, or is being sent, goes on as it was.

Whoever holds the message's row decides. A provider call under way holds the message's work row instead, and
its outcome is not known before it is recorded: such a message can no longer be canceled.
"""

from uuid import UUID

from notify import clock
from notify.model.names import Lane
from notify.model.status import ALLOWED_FROM, EventType, Status
from notify.model.work import Done
from notify.pipeline import announcing
from notify.store import db, deliveries, events, messages, work
from notify.store.events import Event
from notify.store.messages import StatusChange


def run(message_id: UUID) -> Done | None:
    """Cancel the message if it only waits; None when it is too late."""
    with db.begin() as tx:
        now = clock.now()
        status = messages.lock(tx, [message_id]).get(message_id)
        if status not in ALLOWED_FROM[Status.CANCELED] or work.is_being_sent(tx, message_id):
            return None
        # A render or route pass that has claimed one of these rows finds it gone, and records nothing.
        work.drop_messages(tx, [message_id])
        deliveries.cancel(tx, message_id)
        events.append(tx, [Event(message_id=message_id, at=now, type=EventType.CANCELED)])
        canceled = StatusChange(id=message_id, status=Status.CANCELED, at=now)
        told = announcing.set_status(tx, [canceled], Lane.SINGLE)
    return Done(claimed=1, handoff=told)
