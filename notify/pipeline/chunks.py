"""A chunk of a request to many: how far it has come in, whom to write to next and what is left out.

First come those the request names itself, then its groups in their order. Who is in several groups, or is
named besides, is written to once; two entries that name the same user are two messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from notify import clock, ids, settings
from notify.model import wire
from notify.model.names import Lane
from notify.model.status import EventType, Status
from notify.model.work import Claim, Handoff
from notify.pipeline import announcing, groups
from notify.pipeline.groups import Named
from notify.store import db, events, messages, requests
from notify.store.events import Event
from notify.store.messages import StatusChange

__all__ = ["Chunk", "Lost", "Named", "cut", "end"]


@dataclass(frozen=True, slots=True)
class Lost:
    """A group that nobody can be reached through, and why."""

    named: Named
    error: str


@dataclass(slots=True)
class Chunk:
    """``entry`` and ``after``: where the next one begins. ``groups``: it has been looking into one."""

    entry: int
    after: str | None
    named: list[Named] = field(default_factory=list)
    lost: list[Lost] = field(default_factory=list)
    groups: bool = False
    done: bool = False


def cut(tx: db.Tx, claim: Claim, message: wire.SendMessage, request: requests.Held) -> Chunk:
    """The next recipients: those the request names, then up to ``expand_chunk`` candidates of its groups."""
    named, parts = _parts(message)
    left = settings.load().expand_chunk
    chunk = Chunk(request.entry, request.after)
    if chunk.entry == 0 and chunk.after is None:
        chunk.named += named
    while chunk.entry < len(parts) and left > 0:
        left -= _look_into(tx, claim, chunk, *parts[chunk.entry], size=left)
    chunk.done = chunk.entry >= len(parts)
    if chunk.groups:
        chunk.named = _once(tx, claim.id, chunk.named, named)
    return chunk


def _parts(message: wire.SendMessage) -> tuple[list[Named], list[tuple[int, wire.Recipient]]]:
    recipients = list(enumerate(wire.recipients(message)))
    named = [Named(f"to.{i}", one) for i, one in recipients if one.kind not in wire.GROUPS]
    return named, [(i, one) for i, one in recipients if one.kind in wire.GROUPS]


def _look_into(tx: db.Tx, claim: Claim, chunk: Chunk, index: int, group: wire.Recipient, *, size: int) -> int:
    """How many candidates that were; a look itself counts."""
    found = groups.some(tx, claim.world, claim.id, group, after=chunk.after, size=size)
    chunk.groups = True
    chunk.named += found.named
    if found.error:
        chunk.lost.append(Lost(Named(f"to.{index}", group), found.error))
    chunk.after = found.after
    chunk.entry += found.after is None
    return found.looked + 1


def _once(tx: db.Tx, request_id: UUID, found: Sequence[Named], named: Sequence[Named]) -> list[Named]:
    """Those who have no message of this request yet."""
    users = {one.recipient.user_id for one in named if one.recipient.user_id}
    by_name: dict[str, Named] = {}
    for one in found:
        if one.name.startswith("to.") or one.recipient.user_id not in users:
            by_name.setdefault(one.name, one)
    there = messages.existing(tx, [ids.child(request_id, name) for name in by_name])
    return [one for name, one in by_name.items() if ids.child(request_id, name) not in there]


def end(tx: db.Tx, lost: Mapping[UUID, Lost], lane: Lane) -> Handoff:
    """These messages end where they began."""
    if not lost:
        return ()
    now = clock.now()
    changes = [
        StatusChange(id=id_, status=Status.UNROUTABLE, at=now, error=one.error) for id_, one in lost.items()
    ]
    events.append(
        tx,
        [
            Event(message_id=id_, at=now, type=EventType.UNROUTABLE, detail={"error_message": one.error})
            for id_, one in lost.items()
        ],
    )
    return announcing.set_status(tx, changes, lane)
