"""What a batch of receipts changes: deliveries and receipts in; rows, log entries and what follows out."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from notify import settings
from notify.model.plan import DeliveryState
from notify.model.receipt import Receipt
from notify.model.status import Status
from notify.model.work import Claim, Handoff, Place, Wake
from notify.pipeline import announcing, suppressing
from notify.pipeline.progress import Progress
from notify.pipeline.reporting import News, apply, is_held
from notify.routing.advance import advance
from notify.routing.escalation import escalates_at
from notify.store import contents, db, deliveries, messages, receipts, suppressions, work
from notify.store.contents import Content
from notify.store.deliveries import Delivery
from notify.store.messages import StatusChange, StoredMessage

Targets = Mapping[UUID, tuple[UUID, UUID | None]]
"""Message and delivery of receipts, as far as they are known."""

PATIENCE = timedelta(minutes=5)
"""How long a receipt that names a delivery by the provider's reference waits for us to learn of it."""
_MAX_WAIT_S = 60
_RISING = {
    Status.SENT: "sent_at",
    Status.DELIVERED: "delivered_at",
    Status.OPENED: "opened_at",
    Status.CLICKED: "clicked_at",
}
_ALL_FAILED = Status.UNDELIVERABLE


@dataclass(frozen=True, slots=True)
class Due:
    """A receipt whose turn it is, and the claim on it."""

    claim: Claim
    receipt: Receipt


@dataclass(slots=True, kw_only=True)
class Book:
    """What a batch of receipts changes. ``busy``: deliveries whose call is under way."""

    progress: Progress
    targets: Targets
    rows: Mapping[UUID, list[Delivery]]
    contents: Mapping[UUID, Content]
    busy: set[UUID] = field(default_factory=set)
    before: dict[UUID, Delivery] = field(default_factory=dict)
    changed: dict[UUID, Delivery] = field(default_factory=dict)
    news: list[News] = field(default_factory=list)
    later: list[tuple[UUID, Place, datetime]] = field(default_factory=list)

    def active(self, due: Sequence[Due]) -> list[UUID]:
        """The deliveries that are waiting to be sent, as far as we know."""
        found = (self._delivery(one.receipt) for one in due)
        return [row.id for row in found if row and row.state is DeliveryState.ACTIVE]

    def enter(self, one: Due) -> None:
        """Apply one receipt, or leave it for later."""
        delivery = self._delivery(one.receipt)
        if delivery is None:
            self._unmatched(one)
        elif delivery.id in self.busy:
            self._put_off(one)
        elif self._is_the_recipients(one.receipt, delivery):
            new, news = apply(delivery, one.receipt)
            if new != delivery:
                self.before.setdefault(delivery.id, delivery)
                self.changed[delivery.id] = new
            if news:
                self.news.append(news)

    def _delivery(self, receipt: Receipt) -> Delivery | None:
        """The delivery a receipt is about: what it names, among what its provider was given."""
        message_id, delivery_id = self.targets.get(receipt.id, (None, None))
        candidates = [
            row
            for row in (self.rows.get(message_id, ()) if message_id else ())
            if receipt.provider_id in (None, row.provider_id) and delivery_id in (None, row.id)
        ]
        return self.changed.get(candidates[-1].id, candidates[-1]) if candidates else None

    def _is_the_recipients(self, receipt: Receipt, delivery: Delivery) -> bool:
        """A copy's bounce is not the message's."""
        content, told = self.contents.get(delivery.message_id), receipt.update.address
        return (
            content is None or told is None or suppressing.is_address(content.profile, delivery.channel, told)
        )

    def _unmatched(self, one: Due) -> None:
        """Our record of the provider's reference may still be on its way; all else is nobody's of ours."""
        update = one.receipt.update
        by_reference = update.reference and not (update.message_id or update.delivery_id)
        if by_reference and self.progress.now - one.receipt.received_at < PATIENCE:
            self._put_off(one)

    def _put_off(self, one: Due) -> None:
        wait = timedelta(seconds=min(2 ** min(one.claim.attempt - 1, 8), _MAX_WAIT_S))
        self.later.append((one.claim.id, one.claim.place, self.progress.now + wait))

    # --- writing it down -------------------------------------------------------------------------

    def write(self, tx: db.Tx, held: set[UUID]) -> Handoff:
        """Write it all; return the wake-ups that follow."""
        horizon = self.progress.now + timedelta(seconds=settings.load().horizon_s)
        deliveries.update(tx, list(self.changed.values()))
        for news in self.news:
            self.progress.note(news.delivery.message_id, news.type, **news.detail())
        told: Handoff = ()
        for status in _RISING:
            told += announcing.set_status(tx, list(self._reached(status)), self.progress.lane)
        self._follow(tx)
        suppressions.add(tx, suppressing.entries(tx, self.news, self.contents, self.progress.now))
        wakes = self.progress.write(tx)
        put_off = {id_ for id_, _, _ in self.later}
        work.move(tx, self.later, horizon=horizon)
        work.finish(tx, held - put_off)
        receipts.delete(tx, held - put_off)
        return (
            told
            + wakes
            + tuple(Wake(place=place, ids=(id_,), at=at) for id_, place, at in self.later if at <= horizon)
        )

    def _reached(self, status: Status) -> Iterator[StatusChange]:
        """Each message that has reached ``status``, or did so earlier than we knew; with the first time."""
        times: dict[UUID, datetime] = {}
        for row in self.changed.values():
            at = getattr(row, _RISING[status])
            if at != getattr(self.before[row.id], _RISING[status]):
                times[row.message_id] = min(times.get(row.message_id, at), at)
        proven = {row.message_id for row in self.before.values() if is_held(row)}
        for id_, at in times.items():
            yield StatusChange(id=id_, status=status, at=at, proven=id_ in proven)

    def _follow(self, tx: db.Tx) -> None:
        """What follows for messages of which something came back, or was sent without our knowing."""
        turned = sorted({n.delivery.message_id for n in self.news if n.was_unknown or _came_back(n.delivery)})
        plans, stored = contents.plans(tx, turned), messages.load(tx, turned)
        for id_, plan in plans.items():
            rows = [self.changed.get(row.id, row) for row in self.rows[id_]]
            attempts = [row.attempted() for row in rows]
            escalations = [(row.id, escalates_at(plan, attempts, row.leaf)) for row in rows]
            self._escalate(stored[id_], escalations)
            decision = advance(plan, attempts, self.progress.now)
            # While another channel may still take over, a bounce is not the end.
            if (
                decision.final
                and decision.final.status is _ALL_FAILED
                and not any(at for _, at in escalations)
            ):
                self.progress.end(id_, decision.final)

    def _escalate(self, message: StoredMessage, escalations: Sequence[tuple[UUID, datetime | None]]) -> None:
        unknown = {news.delivery.id for news in self.news if news.was_unknown}
        for delivery_id, at in escalations:
            if at and delivery_id in unknown:
                self.progress.escalate(message, delivery_id, at)


def _came_back(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.RETURNED
