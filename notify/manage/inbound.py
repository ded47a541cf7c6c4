"""What applications report: kept, each once."""

from typing import Any

from notify import clock, ids
from notify.errors import Conflict
from notify.model.names import World
from notify.store import db, inbound_events
from notify.store.inbound_events import InboundEvent


def track(
    world: World, event: str, message_id: str, *, user_id: str | None, properties: dict[str, Any]
) -> None:
    """Keep an event.

    Raises:
        Conflict: there is one with this ``message_id`` already.
    """
    new = InboundEvent(
        id=ids.new(),
        world=world,
        event=event,
        message_id=message_id,
        user_id=user_id,
        properties=properties,
        received_at=clock.now(),
    )
    with db.begin() as tx:
        if not inbound_events.add(tx, new):
            raise Conflict(f"An event with messageId {message_id!r} was received before.")
