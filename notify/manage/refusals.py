"""Refused messages of Celery tasks: whoever sent them has no answer, so operators are told."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from uuid import UUID

from notify import clock, ids
from notify.errors import NotifyError, Unavailable
from notify.model.names import World
from notify.store import db, refusals
from notify.store.refusals import Refusal

_MAX_TEXT = 500
_OURS = "could not be stored, by a fault of ours: see `accept.failed` in the worker's log"

Reasons = Iterable[tuple[int | None, Exception]]
"""The place of a message among a task's, and why it was refused."""


def record(task_id: str, world: World | None, reasons: Reasons) -> None:
    """Write down what of a task was refused; while the database is away the log alone has it."""
    new = [_refusal(task_id, world, place, error) for place, error in reasons]
    if new:
        with suppress(Unavailable), db.begin() as tx:
            refusals.add(tx, new)


def _refusal(task_id: str, world: World | None, place: int | None, error: Exception) -> Refusal:
    # An unexpected error may say anything, even what stood in the message.
    known = error if isinstance(error, NotifyError) else NotifyError(_OURS)
    return Refusal(
        id=ids.new(),
        world=world,
        at=clock.now(),
        task_id=_storable(task_id),
        place=place,
        type=known.type,
        message=_storable(str(known)),
    )


def _storable(text: str) -> str:
    return text.replace("\0", "").encode(errors="replace").decode()[:_MAX_TEXT]


def find(world: World | None, *, before: UUID | None = None, limit: int) -> Sequence[Refusal]:
    """At most ``limit``, newest first: of a world and of an unknown one; None: all there are.

    Raises:
        Unavailable: the database is away.
    """
    with db.begin() as tx:
        return refusals.find(tx, world, before=before, limit=limit)
