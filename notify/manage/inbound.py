"""What applications report: kept, each once."""

from collections.abc import Mapping
from typing import Any
from uuid import uuid5

import orjson

from notify import clock, ids
from notify.errors import Conflict, InvalidRequest
from notify.model.names import World
from notify.model.storable import find_fault
from notify.store import db, inbound_events
from notify.store.inbound_events import InboundEvent
from notify.store.keys import StoredKey

MAX_EVENTS = 10_000
MAX_NAME = 512
"""Characters of an event's name, and of a user's id."""

_UNNAMED = "custom"


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
        if not inbound_events.add(tx, [new]):
            raise Conflict(f"An event with messageId {message_id!r} was received before.")


def receive(key: StoredKey, body: bytes, idempotency_key: str | None = None) -> int:
    """Keep what was posted to the webhook of this key, as it came; how many events that were.

    Raises:
        InvalidRequest: there are too many, or something in it cannot be stored.
    """
    read = _read(body)
    if fault := find_fault(read):
        raise InvalidRequest(f"{'.'.join(map(str, fault.path)) or 'body'}: {fault.message}")
    told = read if isinstance(read, list) else [read]
    if len(told) > MAX_EVENTS:
        raise InvalidRequest(f"body: may hold at most {MAX_EVENTS} events")
    events = [_event(key, place, one, idempotency_key) for place, one in enumerate(told)]
    with db.begin() as tx:
        inbound_events.add(tx, events)
    return len(events)


def _read(body: bytes) -> Any:
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        return body.decode(errors="replace")


def _event(key: StoredKey, place: int, told: Any, idempotency_key: str | None) -> InboundEvent:
    # A sender whose shape is not ours cannot be asked to change it: whatever is no name is none.
    properties = told if isinstance(told, dict) else {"raw": told}
    id_ = ids.new()
    once = uuid5(key.id, f"{place} {idempotency_key}") if idempotency_key else id_
    return InboundEvent(
        id=id_,
        world=key.world,
        event=_name(properties, "event") or _UNNAMED,
        message_id=f"webhook:{once}",
        user_id=_name(properties, "userId"),
        properties=properties,
        received_at=clock.now(),
    )


def _name(properties: Mapping[str, Any], field: str) -> str | None:
    found = properties.get(field)
    named = str(found) if isinstance(found, int) and not isinstance(found, bool) else found
    return named if isinstance(named, str) and 0 < len(named) <= MAX_NAME else None
