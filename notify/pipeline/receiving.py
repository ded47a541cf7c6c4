"""receiving: verified reports in, stored receipts and their work out. The door for what providers tell us.

It does nothing slow, and nothing that depends on the message: what a report means is the stage's to say, when
its turn comes. After the commit a receipt is kept, whatever dies.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from notify import ids, settings
from notify.model.names import Lane, World
from notify.model.receipt import Receipt, StatusUpdate
from notify.model.work import Handoff, Place, Stage, Wake, Work
from notify.store import db, receipts, work


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What came in at once. ``provider_id``: whose callback it was; None: a tracked link of ours."""

    world: World
    provider_id: UUID | None
    updates: Sequence[StatusUpdate]
    received_at: datetime


def run(batch: Sequence[Report]) -> Handoff:
    """Store a batch of reports; return the wake-ups to publish.

    Raises:
        Unavailable: the database is away; nothing was stored.
    """
    rows = [(_receipt(report, update), report) for report in batch for update in report.updates]
    todo = [_work(receipt, report) for receipt, report in rows]
    if not todo:
        return ()
    horizon = max(row.due_at for row in todo) + timedelta(seconds=settings.load().horizon_s)
    with db.begin() as tx:
        receipts.insert(tx, [receipt for receipt, _ in rows])
        work.add(tx, todo, horizon=horizon)
    return tuple(Wake(place=row.place, ids=(row.id,)) for row in todo)


def _receipt(report: Report, update: StatusUpdate) -> Receipt:
    return Receipt(
        id=ids.new(), provider_id=report.provider_id, update=update, received_at=report.received_at
    )


def _work(receipt: Receipt, report: Report) -> Work:
    lane = Lane.BULK if len(report.updates) > settings.load().bulk_above else Lane.SINGLE
    place = Place(stage=Stage.RECEIPTS, lane=lane)
    # It belongs to no message yet, so what ends a message leaves it alone.
    return Work(
        id=receipt.id, message_id=receipt.id, world=report.world, place=place, due_at=receipt.received_at
    )
