"""Messages in the reference's shapes."""

from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, Field

from notify import ids
from notify.api.paging import Paging
from notify.clock import to_ms
from notify.manage.messages import ChannelOutput, Detail, Log, as_dict, channel_id
from notify.model.status import EventType, Reason, Status
from notify.pipeline import shown
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
    """A provider that was tried, or is being tried (no status yet); none, where the recipient wants none."""

    channel: dict[str, str] | None = None
    provider: str | None = None
    status: Status | None = None
    sent: int | None = None
    delivered: int | None = None
    opened: int | None = None
    clicked: int | None = None
    error: str | None = None
    reference: dict[str, str] | None = None
    providerResponse: dict[str, Any] | None = Field(
        default=None, description="What it answered last: `status` and `body`, or `code` and `text`; bounded."
    )
    attempts: int | None = None


class MessageDetail(Message):
    providers: list[ProviderAttempt]


class History(BaseModel):
    results: list[dict[str, Any]]


class Outputs(BaseModel):
    results: list[dict[str, Any]]


def message(row: Any) -> Message:
    return Message(**shown.summary(row))


def detail(found: Detail) -> MessageDetail:
    return MessageDetail(**shown.summary(found.row), providers=shown.providers(found.row, found.deliveries))


def history(log: Log) -> list[dict[str, Any]]:
    """The log, oldest first; the first entry is the message row itself."""
    body = log.message.body
    accepted = {
        "ts": to_ms(log.row.enqueued_at),
        "type": EventType.ENQUEUED,
        "event": log.row.event,
        "recipient": log.row.recipient,
        "data": body.get("data"),
        "profile": body.get("to"),
        "override": body.get("providers"),
    }
    return [accepted, *(entry for event in log.events for entry in _entries(event, log))]


def _entries(event: Event, log: Log) -> Iterator[dict[str, Any]]:
    """One for each event; what was rendered and then called for is two, and stored as one."""
    entry = _entry(event, log)
    called = entry.pop("called", False)
    yield entry
    if called:
        told = ("ts", "channel", "integration")
        yield {**{key: entry[key] for key in told}, "type": EventType.DELIVERING}


def _entry(event: Event, log: Log) -> dict[str, Any]:
    entry = {"ts": to_ms(event.at), "type": event.type, **event.detail}
    if event.type is EventType.PROFILE_LOADED and log.content:
        entry |= {
            "received_profile": log.message.body.get("to"),
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
