"""Messages in the reference's shapes."""

from collections.abc import Sequence
from typing import Any

from pydantic import BaseModel, Field

from notify import ids
from notify.api.paging import Paging
from notify.clock import to_ms
from notify.manage.messages import ChannelOutput, Detail, Log, as_dict, channel_id
from notify.model.plan import DeliveryState
from notify.model.status import EventType, Reason, Status
from notify.store.deliveries import Delivery
from notify.store.events import Event

_MS = "UTC, epoch milliseconds."


class Message(BaseModel):
    id: str
    status: Status
    enqueued: int = Field(description=_MS)
    event: str
    notification: str
    recipient: str
    sent: int | None = Field(default=None, description=_MS)
    delivered: int | None = Field(default=None, description=_MS)
    opened: int | None = Field(default=None, description=_MS)
    clicked: int | None = Field(default=None, description=_MS)
    canceledAt: int | None = Field(default=None, description=_MS)
    reason: Reason | None = None
    error: str | None = None
    tags: list[str] | None = None
    traceId: str | None = None
    requestId: str | None = None


class MessagePage(BaseModel):
    paging: Paging
    results: list[Message]


class ProviderAttempt(BaseModel):
    """One provider that was tried, or is being tried (no status yet)."""

    channel: dict[str, str]
    provider: str
    status: Status | None = None
    sent: int | None = None
    delivered: int | None = None
    opened: int | None = None
    clicked: int | None = None
    error: str | None = None
    reference: dict[str, str] | None = None
    attempts: int


class MessageDetail(Message):
    providers: list[ProviderAttempt]


class History(BaseModel):
    results: list[dict[str, Any]]


class Outputs(BaseModel):
    results: list[dict[str, Any]]


def message(row: Any) -> Message:
    return Message(**_fields(row))


def _fields(row: Any) -> dict[str, Any]:
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


def detail(found: Detail) -> MessageDetail:
    tried = [d for d in found.deliveries if d.tries or d.state is not DeliveryState.CANCELED]
    return MessageDetail(**_fields(found.row), providers=[_attempt(d) for d in tried])


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


def _attempt(delivery: Delivery) -> ProviderAttempt:
    return ProviderAttempt(
        channel={"key": _channel_key(delivery), "name": delivery.channel, "template": ""},
        provider=delivery.provider,
        status=_standing(delivery),
        sent=to_ms(delivery.sent_at),
        delivered=to_ms(delivery.delivered_at),
        opened=to_ms(delivery.opened_at),
        clicked=to_ms(delivery.clicked_at),
        error=delivery.error,
        reference=delivery.reference,
        attempts=delivery.tries,
    )


def _channel_key(delivery: Delivery) -> str:
    chat = delivery.channel == "direct_message"
    return f"{delivery.channel}:{delivery.provider}" if chat else str(delivery.channel)


def history(log: Log) -> list[dict[str, Any]]:
    """The log, oldest first; the first entry is the message row itself."""
    body = log.message.body
    accepted = {
        "ts": to_ms(log.row.enqueued_at),
        "type": EventType.ENQUEUED,
        "event": log.row.event,
        "recipient": log.row.recipient,
        "data": body.get("data"),
        "profile": body["to"],
        "override": body.get("providers"),
    }
    return [accepted, *(_entry(event, log) for event in log.events)]


def _entry(event: Event, log: Log) -> dict[str, Any]:
    entry = {"ts": to_ms(event.at), "type": event.type, **event.detail}
    if event.type is EventType.PROFILE_LOADED and log.content:
        entry |= {
            "received_profile": log.message.body["to"],
            "stored_profile": event.detail.get("stored_profile", {}),
            "merged_profile": log.content.profile,
        }
    if channel := event.detail.get("channel"):
        entry["channel"] = {"id": channel_id(log.message.id, channel), "key": channel}
    if event.type is EventType.RENDERED:
        path = f"/messages/{ids.to_wire(log.message.id)}/output"
        entry["output"] = dict.fromkeys(("html", "title", "body", "subject", "blocks", "text"), path)
    return entry


def outputs(found: Sequence[ChannelOutput]) -> Outputs:
    return Outputs(
        results=[
            {"channel": o.channel, "channel_id": o.channel_id, "content": as_dict(o.content)} for o in found
        ]
    )
