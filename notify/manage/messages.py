"""Messages as people look at them: lists, one message with its providers, its history, what it said."""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from uuid import UUID

from notify import ids
from notify.errors import ContentError, NotFound
from notify.model.names import World
from notify.model.output import Rendered
from notify.model.work import Handoff
from notify.pipeline import cancel as cancel_stage
from notify.pipeline.saying import said
from notify.store import contents, db, deliveries, events, message_list, messages
from notify.store.contents import Content
from notify.store.deliveries import Delivery
from notify.store.events import Event
from notify.store.message_list import Filters
from notify.store.messages import StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Detail:
    """A message row and its deliveries."""

    row: Any
    deliveries: Sequence[Delivery]


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """A message's log and what its entries point to. ``content`` is None until it is rendered."""

    message: StoredMessage
    row: Any
    events: Sequence[Event]
    content: Content | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelOutput:
    channel: str
    channel_id: str
    content: Rendered


def find(world: World, filters: Filters, limit: int) -> Sequence[Any]:
    """At most ``limit`` message rows, newest first."""
    with db.begin() as tx:
        return message_list.find(tx, world, filters, limit)


def get(world: World, wire_id: str) -> Detail:
    """One message.

    Raises:
        NotFound: there is none with this id.
    """
    with db.begin() as tx:
        row = _row(tx, world, wire_id)
        return Detail(row=row, deliveries=deliveries.of_messages(tx, [row.id]).get(row.id, []))


def cancel(world: World, wire_id: str, *, wake: Callable[[Handoff], object]) -> tuple[bool, Detail]:
    """Cancel a message that still waits; whether this call did, and the message as it is now.

    ``wake``: publishes what follows.

    Raises:
        NotFound: there is none with this id.
    """
    done = cancel_stage.run(get(world, wire_id).row.id)
    if done:
        wake(done.handoff)
    return done is not None, get(world, wire_id)


def as_sent(world: World, wire_id: str) -> dict[str, Any]:
    """The ``message`` object by which this one message can be sent again, at once.

    A delay by duration has been waited for already; a time or a window (quiet hours) still holds.

    Raises:
        NotFound: there is none with this id.
    """
    with db.begin() as tx:
        row = _row(tx, world, wire_id)
        body = messages.load(tx, [row.id])[row.id].body
    if not body:
        raise NotFound(f"What message {wire_id!r} said is not kept any more.")
    return at_once(body)


def at_once(body: dict[str, Any]) -> dict[str, Any]:
    """The ``message`` object of a send, without the delay it has waited for."""
    delay = {key: value for key, value in (body.get("delay") or {}).items() if key != "duration"}
    return {**body, "delay": delay or None}


def history(world: World, wire_id: str) -> Log:
    """Everything that happened to a message.

    Raises:
        NotFound: there is none with this id.
    """
    with db.begin() as tx:
        row = _row(tx, world, wire_id)
        return Log(
            message=messages.load(tx, [row.id])[row.id],
            row=row,
            events=events.of(tx, row.id),
            content=contents.load(tx, [row.id]).get(row.id),
        )


def outputs(world: World, wire_id: str) -> list[ChannelOutput]:
    """What the message said on each channel it was sent through; empty until then.

    It is made from the stored document by the functions that made what was sent.

    Raises:
        NotFound: there is none with this id.
    """
    with db.begin() as tx:
        row = _row(tx, world, wire_id)
        stored = messages.load(tx, [row.id])[row.id]
        content = contents.load(tx, [row.id]).get(row.id)
        sent = deliveries.of_messages(tx, [row.id]).get(row.id, [])
    if not stored.body:
        raise NotFound(f"What message {wire_id!r} said is not kept any more.")
    if content is None:
        return []
    found = {delivery.channel: _output(stored, content, delivery) for delivery in reversed(sent)}
    return [built for built in reversed(found.values()) if built]


def _output(stored: StoredMessage, content: Content, delivery: Delivery) -> ChannelOutput | None:
    try:
        shown = said(stored, content, delivery)
    except ContentError:
        return None
    return ChannelOutput(
        channel=delivery.channel, channel_id=channel_id(stored.id, delivery.channel), content=shown
    )


def channel_id(message_id: UUID, channel: str) -> str:
    """The id of a message's channel block; inline content has no other."""
    return str(ids.child(message_id, f"channel.{channel}"))


def as_dict(rendered: Rendered) -> dict[str, Any]:
    return asdict(rendered)


def _row(tx: db.Tx, world: World, wire_id: str) -> Any:
    id_ = ids.from_wire(wire_id)
    row = messages.get(tx, world, id_) if id_ else None
    if row is None:
        raise NotFound(f"Message {wire_id!r} does not exist.")
    return row
