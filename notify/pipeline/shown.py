"""A message as it is shown: its row and deliveries in, fields in the reference's words out.

The API shows it as it is now; an event of an outbound webhook as it was when that happened.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from notify import ids
from notify.clock import to_ms
from notify.model.plan import DeliveryState
from notify.model.status import REACHED, REFUSED, WAITING, Status
from notify.store.deliveries import Delivery

_TIMES = {
    Status.SENT: "sent_at",
    Status.DELIVERED: "delivered_at",
    Status.OPENED: "opened_at",
    Status.CLICKED: "clicked_at",
}
_BEFORE: Mapping[Status, tuple[Status, ...]] = {
    Status.SENT: (Status.SENT,),
    Status.DELIVERED: (Status.SENT, Status.DELIVERED),
    Status.OPENED: (Status.SENT, Status.DELIVERED, Status.OPENED),
    Status.CLICKED: tuple(_TIMES),
    Status.UNDELIVERABLE: (Status.SENT,),
}
"""Status -> what a message with it may have reached."""


def summary(row: Any) -> dict[str, Any]:
    """The fields of a message in a list."""
    return {
        "id": ids.to_wire(row.id),
        "status": row.status,
        "enqueued": to_ms(row.enqueued_at),
        "event": row.event or "",
        "notification": row.notification or "",
        "recipient": row.recipient,
        "sent": to_ms(row.sent_at),
        "delivered": to_ms(row.delivered_at),
        "opened": to_ms(row.opened_at),
        "clicked": to_ms(row.clicked_at),
        "canceledAt": to_ms(row.canceled_at),
        "reason": row.reason,
        "error": row.error,
        "tags": row.tags or None,
        "traceId": row.trace_id,
        "requestId": ids.to_wire(row.request_id),
    }


def providers(row: Any, deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Each provider that was tried; of a message that its recipient did not want, that nothing was."""
    if row.reason in REFUSED and not deliveries:
        return [{"error": row.error, "status": row.status}]
    return tried(deliveries)


def tried(deliveries: Sequence[Delivery]) -> list[dict[str, Any]]:
    """Each provider that was tried, or is being tried."""
    return [_attempt(d) for d in deliveries if d.tries or d.state is not DeliveryState.CANCELED]


def _attempt(delivery: Delivery) -> dict[str, Any]:
    return {
        "channel": {"key": _channel_key(delivery), "name": delivery.channel, "template": ""},
        "provider": delivery.provider,
        "status": _standing(delivery),
        "sent": to_ms(delivery.sent_at),
        "delivered": to_ms(delivery.delivered_at),
        "opened": to_ms(delivery.opened_at),
        "clicked": to_ms(delivery.clicked_at),
        "error": delivery.error,
        "reference": delivery.reference,
        "providerResponse": delivery.response,
        "attempts": delivery.tries,
    }


def _standing(delivery: Delivery) -> Status | None:
    if delivery.state in {DeliveryState.FAILED, DeliveryState.RETURNED, DeliveryState.CANCELED}:
        return Status.UNDELIVERABLE
    reached = {
        Status.CLICKED: delivery.clicked_at,
        Status.OPENED: delivery.opened_at,
        Status.DELIVERED: delivery.delivered_at,
        Status.SENT: delivery.state is DeliveryState.SENT,
        Status.SIMULATED: delivery.state is DeliveryState.SIMULATED,
    }
    return next((status for status, at in reached.items() if at), None)


def _channel_key(delivery: Delivery) -> str:
    chat = delivery.channel == "direct_message"
    return f"{delivery.channel}:{delivery.provider}" if chat else str(delivery.channel)


# --- as it was -----------------------------------------------------------------------------------


def as_of(row: Any, deliveries: Sequence[Delivery], status: Status, at: datetime) -> dict[str, Any]:
    """The message as it was when it got ``status``; what is not known of it is left out.

    Times are those reached by then. A provider's failure has no time of its own: an attempt that began before
    is shown as it stands now, unless it had been sent.
    """
    times = _reached(row, status, at)
    then = {**summary(row), "status": status, **{name[:-3]: to_ms(value) for name, value in times.items()}}
    if status is not Status.CANCELED:
        then["canceledAt"] = None
    if row.status != status:
        then["reason"] = then["error"] = None  # those of a later end
    began = [] if status in WAITING else [d for d in deliveries if d.started_at <= at]
    told = {**then, "recipientId": row.user_id or row.recipient, "metadata": _metadata(row.metadata)}
    attempts = [_present(one) for one in tried([_then(d, status, at) for d in began])]
    if then.get("reason") in REFUSED and not attempts:
        attempts = providers(row, ())
    return {**_present(told), "providers": attempts}


def _reached(thing: Any, status: Status, at: datetime) -> dict[str, datetime | None]:
    """The times a message or delivery had reached."""
    reached = {_TIMES[one] for one in _BEFORE.get(status, ())}
    times = {name: getattr(thing, name) for name in _TIMES.values()}
    return {name: time if name in reached and time and time <= at else None for name, time in times.items()}


def _then(delivery: Delivery, status: Status, at: datetime) -> Delivery:
    times: dict[str, Any] = _reached(delivery, status, at)
    if delivery.sent_at is not None and delivery.sent_at > at:
        unsent: dict[str, Any] = {"state": DeliveryState.ACTIVE, "reference": None, "response": None}
        return replace(delivery, **times, **unsent)
    if delivery.state is DeliveryState.RETURNED and status in REACHED:
        return replace(delivery, **times, state=DeliveryState.SENT, error=None)
    return replace(delivery, **times)


_METADATA = ("event", "tags", "utm", "trace_id")


def _metadata(given: Mapping[str, Any] | None) -> dict[str, Any] | None:
    return _present({name: (given or {}).get(name) for name in _METADATA}) or None


def _present(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value is not None}
