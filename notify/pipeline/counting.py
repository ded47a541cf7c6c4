"""How many a send would reach: a message in; the number, and the first few of them, out. Stores nothing."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from uuid import UUID

from notify.model import wire
from notify.model.names import World
from notify.pipeline import groups
from notify.store import db

_STRETCH = 10_000
MAX_COUNTED = 100_000
"""Candidates of groups that are looked at; a larger group is counted no further."""


@dataclass(frozen=True, slots=True)
class Counted:
    count: int
    sample: Sequence[wire.Recipient]


def count(tx: db.Tx, world: World, request_id: UUID, message: wire.SendMessage, *, sample: int) -> Counted:
    """Those the message names and those its groups stand for, each user of a group once."""
    recipients = wire.recipients(message)
    named = [one for one in recipients if one.kind not in wire.GROUPS]
    users = {one.user_id for one in named}
    found: set[str] = set()
    shown = named[:sample]
    for one in _grouped(tx, world, request_id, recipients):
        if one.name not in found and one.recipient.user_id not in users:
            found.add(one.name)
            shown += [one.recipient] if len(shown) < sample else []
    return Counted(len(named) + len(found), shown)


def _grouped(
    tx: db.Tx, world: World, request_id: UUID, recipients: Sequence[wire.Recipient]
) -> Iterator[groups.Named]:
    left = MAX_COUNTED
    for group in recipients:
        after, going = None, group.kind in wire.GROUPS
        while going and left > 0:
            some = groups.some(tx, world, request_id, group, after=after, size=min(left, _STRETCH))
            yield from some.named
            left -= some.looked + 1
            after, going = some.after, some.after is not None
