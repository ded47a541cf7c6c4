"""What receipts mean for a delivery: how it stood and what was reported in, how it stands out. Pure.

Receipts come late, repeated and out of order. A time is that of the first occurrence, whatever comes first; a
delivery that came back stays so; what was known already changes nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType
from typing import Any

from notify.model.call import Blame
from notify.model.plan import DeliveryState
from notify.model.receipt import Receipt, Reported, SuppressionReason
from notify.model.status import EventType
from notify.store.deliveries import Delivery

_STAMPS: Mapping[Reported, str] = MappingProxyType(
    {
        Reported.DELIVERED: "delivered_at",
        Reported.OPENED: "opened_at",
        Reported.CLICKED: "clicked_at",
        Reported.COMPLAINED: "complained_at",
    }
)
_EVENTS = {
    Reported.DELIVERED: EventType.DELIVERED,
    Reported.OPENED: EventType.OPENED,
    Reported.CLICKED: EventType.CLICKED,
    Reported.COMPLAINED: EventType.COMPLAINED,
    Reported.BOUNCED: EventType.UNDELIVERABLE,
    Reported.FAILED: EventType.UNDELIVERABLE,
}
_SUPPRESSED_BY = {
    Reported.BOUNCED: SuppressionReason.BOUNCED,
    Reported.COMPLAINED: SuppressionReason.COMPLAINED,
}
RETURNING = frozenset({Reported.BOUNCED, Reported.FAILED})
ABOUT_THE_ADDRESS = RETURNING | {Reported.COMPLAINED}


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """A receipt that told something new. ``at``: when it happened; after the sending, before the report.

    ``was_unknown``: it also tells that the provider has taken the delivery, which we did not know.
    """

    receipt: Receipt
    delivery: Delivery
    at: datetime
    was_unknown: bool

    @property
    def suppression(self) -> SuppressionReason | None:
        """Why nothing is to be sent to the address any more; None: it may."""
        return _SUPPRESSED_BY.get(self.receipt.update.event)

    @property
    def type(self) -> EventType:
        return _EVENTS[self.receipt.update.event]

    def detail(self) -> dict[str, Any]:
        """The entry in the message's log."""
        update, delivery = self.receipt.update, self.delivery
        integration = {"id": str(delivery.provider_id), "provider": delivery.provider}
        told = {"channel": delivery.channel, "integration": integration, "reported_at": self.at.isoformat()}
        if delivery.reference and update.event is Reported.DELIVERED:
            told["reference"] = delivery.reference
        if update.event in ABOUT_THE_ADDRESS:
            told["error_message"] = _reason(update.event, update.reason)
        return {**told, "raw": dict(update.raw)} if update.raw else told


def apply(delivery: Delivery, receipt: Receipt) -> tuple[Delivery, News | None]:
    """How ``delivery`` stands after ``receipt``, and what is new about it."""
    event, at = receipt.update.event, _when(delivery, receipt)
    if event in RETURNING:
        new, first = _returned(delivery, receipt, at), _could_return(delivery)
    else:
        known = getattr(delivery, _STAMPS[event])
        stamp: dict[str, Any] = {_STAMPS[event]: min(known or at, at)}
        new = replace(_taken(delivery, at), **stamp)
        first = known is None
    if not first:
        return new, None
    return new, News(receipt=receipt, delivery=new, at=at, was_unknown=_is_unknown(delivery))


def is_held(delivery: Delivery) -> bool:
    """It was given up since nobody knew whether the provider had it."""
    return delivery.state is DeliveryState.FAILED and delivery.blame is Blame.UNKNOWN


def _is_unknown(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.ACTIVE or is_held(delivery)


def _could_return(delivery: Delivery) -> bool:
    return delivery.state is DeliveryState.SENT or _is_unknown(delivery)


def _when(delivery: Delivery, receipt: Receipt) -> datetime:
    """Providers tell times in whole seconds and by clocks of their own."""
    told = receipt.update.at or receipt.received_at
    return max(min(told, receipt.received_at), delivery.sent_at or delivery.started_at)


def _taken(delivery: Delivery, at: datetime) -> Delivery:
    """Whatever was reported, the provider has it: it is not tried again."""
    if not _is_unknown(delivery):
        return delivery
    tries = max(delivery.tries, 1)
    return replace(delivery, state=DeliveryState.SENT, sent_at=at, tries=tries, blame=None, error=None)


def _returned(delivery: Delivery, receipt: Receipt, at: datetime) -> Delivery:
    if not _could_return(delivery):
        return delivery
    update = receipt.update
    blame = Blame.RECIPIENT if update.event is Reported.BOUNCED else Blame.PROVIDER
    error = _reason(update.event, update.reason)
    return replace(_taken(delivery, at), state=DeliveryState.RETURNED, blame=blame, error=error)


_WORDS = {
    Reported.BOUNCED: "The address bounced.",
    Reported.COMPLAINED: "The recipient complained of it as spam.",
    Reported.FAILED: "The provider could not deliver it.",
}


def _reason(event: Reported, told: str | None) -> str:
    return told or _WORDS[event]
