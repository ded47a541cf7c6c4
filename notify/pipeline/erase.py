"""erase: messages of a person in; the same without a word of who it was or what they were told, out.

What still waits is canceled first. What a provider is hearing of at this moment is left for the next round:
its outcome needs the rows it began with.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from notify import clock
from notify.model.names import Lane
from notify.model.status import ALLOWED_FROM, EventType, Status
from notify.model.work import Handoff
from notify.pipeline import announcing
from notify.store import db, events, messages, personal_messages, work
from notify.store.events import Event
from notify.store.messages import StatusChange
from notify.store.personal import Person


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """``busy``: how many are being sent and had to be left."""

    messages: int
    busy: int
    handoff: Handoff


def run(person: Person, ids: Sequence[UUID]) -> Erased:
    """Take the person out of these messages, all in one transaction."""
    with db.begin() as tx:
        found = messages.lock(tx, ids)
        busy = work.being_sent(tx, list(found))
        free = {id_: status for id_, status in found.items() if id_ not in busy}
        work.drop_messages(tx, list(free))
        told = _cancel(tx, free)
        personal_messages.anonymise(tx, person, list(free))
    return Erased(messages=len(free), busy=len(busy), handoff=told)


def _cancel(tx: db.Tx, found: Mapping[UUID, Status]) -> Handoff:
    now = clock.now()
    waiting = [id_ for id_, status in found.items() if status in ALLOWED_FROM[Status.CANCELED]]
    events.append(tx, [Event(message_id=id_, at=now, type=EventType.CANCELED) for id_ in waiting])
    changes = [StatusChange(id=id_, status=Status.CANCELED, at=now) for id_ in waiting]
    return announcing.set_status(tx, changes, Lane.BULK)
