"""receipts: what providers and tracked links report in; times, statuses, log entries and suppressions out.

A receipt of a delivery whose call is still under way waits until that has an outcome, so that neither
overwrites the other. One of a delivery that waits for its next try tells that the provider has it after all.
"""

from collections.abc import Sequence
from uuid import UUID

from notify import clock, log
from notify.model.names import Lane
from notify.model.receipt import Receipt
from notify.model.work import Claim, Done, Handoff, Place, Stage
from notify.pipeline.claims import kept, set_aside, take
from notify.pipeline.progress import Progress
from notify.pipeline.reported import Book, Due, Targets
from notify.pipeline.reporting import ABOUT_THE_ADDRESS
from notify.store import contents, db, deliveries, receipts, work
from notify.store.deliveries import Sought
from notify.store.holding import hold

_log = log.get(__name__)


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Apply the receipts that are ready."""
    place = Place(stage=Stage.RECEIPTS, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
        by_id = {claim.id: claim for claim in claims}
        rows = receipts.load(tx, by_id) if claims else []
        due = [Due(by_id[row.id], row) for row in rows if not _is_set_aside(by_id[row.id])]
        targets = _targets(tx, due)
    if not claims:
        return Done(handoff=more)
    with kept(claims), db.begin(durable=False) as tx:
        wakes = _record(tx, claims, due, targets, lane)
    return Done(claimed=len(claims), handoff=more + wakes)


def _is_set_aside(claim: Claim) -> bool:
    """A receipt that too many workers have died of is dropped, and that is said aloud."""
    if error := set_aside(claim):
        _log.error("receipts.set_aside", receipt_id=str(claim.id), error=error)
    return error is not None


def _targets(tx: db.Tx, due: Sequence[Due]) -> Targets:
    """Message and delivery of each receipt, as far as they are known."""
    named = {
        one.receipt.id: (one.receipt.update.message_id, one.receipt.update.delivery_id)
        for one in due
        if one.receipt.update.message_id
    }
    sought = [_sought(one.receipt) for one in due if one.receipt.id not in named]
    found = deliveries.find(tx, sought)
    return {**{id_: (message, delivery) for id_, (message, delivery) in named.items() if message}, **found}


def _sought(receipt: Receipt) -> Sought:
    update = receipt.update
    return Sought(
        key=receipt.id,
        provider_id=receipt.provider_id,
        delivery_id=update.delivery_id,
        reference=dict(update.reference),
    )


def _record(
    tx: db.Tx,
    claims: Sequence[Claim],
    due: Sequence[Due],
    targets: Targets,
    lane: Lane,
) -> Handoff:
    wanted = sorted({message_id for message_id, _ in targets.values()})
    _, held = hold(tx, wanted, claims)
    due = [one for one in due if one.claim.id in held]
    book = Book(
        progress=Progress(now=clock.now(), lane=lane),
        targets=targets,
        rows=deliveries.of_messages(tx, wanted),
        contents=contents.load(tx, list(_about_addresses(due, targets))),
    )
    book.busy = work.withdraw(tx, book.active(due))
    for one in due:
        book.enter(one)
    return book.write(tx, held)


def _about_addresses(due: Sequence[Due], targets: Targets) -> set[UUID]:
    """The messages whose recipients' addresses have to be looked at."""
    return {
        targets[one.receipt.id][0]
        for one in due
        if one.receipt.update.event in ABOUT_THE_ADDRESS and one.receipt.id in targets
    }
