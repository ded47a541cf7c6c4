"""One message rendered: what was asked and what is known of the recipient in, a document or an end out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from notify import ids, settings
from notify.content import elemental
from notify.expression import Limits
from notify.model import wire
from notify.model.names import Mode
from notify.model.plan import Final
from notify.model.status import EventType, Reason, Status
from notify.recipients.resolve import merge_data, merge_profile
from notify.routing import delays
from notify.routing.delays import Hold
from notify.store import contents
from notify.store.contents import Content
from notify.store.events import Event
from notify.store.messages import StoredMessage
from notify.store.templates import Template


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message's outcome: its content and when to route it, or the status it ends with."""

    message: StoredMessage
    log: tuple[Event, ...] = field(default=())
    content: Content | None = None
    due_at: datetime | None = None
    final: Final | None = None


def render(
    stored: StoredMessage, profile: Mapping[str, Any] | None, template: Template | None, now: datetime
) -> Rendered:
    """Render ``stored`` for its recipient, whose stored profile is ``profile``.

    Raises:
        ContentError: the content cannot be rendered; the text names the place.
    """
    message = wire.SendMessage.model_validate(stored.body)
    payload = _payload(template, stored.mode)
    if problem := _unsendable(message, template, payload):
        return ended(stored, problem, now)
    entry = wire.recipients(message)[0].entry
    merged, data = merge_profile(profile, entry), merge_data(message.data, entry.get("data"))
    payload = payload or {}
    document = elemental.resolve(
        payload.get("content") or message.content or {},
        variables=_variables(stored, message, merged, data, now),
        locale=merged.get("locale"),
        limits=limits(),
    )
    content = Content(
        message_id=stored.id,
        document_json=contents.written(document),
        profile=merged,
        routing=payload.get("routing"),
        guarantee=payload.get("guarantee"),
    )
    hold = delays.hold(message.delay, entry=entry, profile=merged, accepted_at=stored.enqueued_at, now=now)
    if hold.until is None:
        never = Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=hold.error)
        return ended(stored, never, now)
    history = _history(stored, message, template, profile, document.warnings, hold, now)
    return Rendered(message=stored, log=history, content=content, due_at=hold.until)


def _payload(template: Template | None, mode: Mode) -> dict[str, Any] | None:
    """The version that is sent: the published one, or the draft with a draft key."""
    if template is None:
        return None
    return template.draft if mode is Mode.DRAFT else template.published


def _unsendable(
    message: wire.SendMessage, template: Template | None, payload: dict[str, Any] | None
) -> Final | None:
    if message.template is None:
        return None
    if template is None:
        error = f"Template {message.template!r} does not exist."
        return Final(status=Status.UNMAPPED, error=error)
    if payload is None:
        error = f"Template {message.template!r} has never been published."
        return Final(status=Status.UNROUTABLE, reason=Reason.UNPUBLISHED, error=error)
    return None


def ended(stored: StoredMessage, final: Final, now: datetime) -> Rendered:
    """The message ends here, with a line in its log."""
    detail = {"reason": final.reason, "error_message": final.error}
    event = Event(message_id=stored.id, at=now, type=EventType(final.status), detail=detail)
    return Rendered(message=stored, log=(event,), final=final)


def _variables(
    stored: StoredMessage,
    message: wire.SendMessage,
    profile: dict[str, Any],
    data: dict[str, Any],
    now: datetime,
) -> dict[str, Any]:
    """The roots that templates and conditions see; see ``docs/templates.md``."""
    return {
        "data": data,
        "profile": profile,
        "tenant": {},
        "brand": {},
        "event": (message.metadata.event if message.metadata else None) or message.template,
        "recipient": stored.recipient,
        "messageId": ids.to_wire(stored.id),
        "template": message.template,
        "urls": {},
        "courier": {"environment": str(stored.world)},
        "datetime": {"year": now.year},
    }


def limits() -> Limits:
    """What a template or condition may cost."""
    config = settings.load()
    return Limits(
        timeout_ms=config.template_timeout_ms,
        steps=config.max_template_steps,
        output_bytes=config.max_output_bytes,
    )


def _history(
    stored: StoredMessage,
    message: wire.SendMessage,
    template: Template | None,
    profile: Mapping[str, Any] | None,
    warnings: Sequence[str],
    hold: Hold,
    now: datetime,
) -> tuple[Event, ...]:
    def event(type_: EventType, **detail: Any) -> Event:
        return Event(message_id=stored.id, at=now, type=type_, detail=detail)

    entries = []
    if template:
        mapped = {"event_id": message.template, "notification_id": template.id}
        entries.append(event(EventType.MAPPED, **mapped))
    # What was sent along and what came of it are kept anyway; this is the only trace of what was stored then.
    loaded: dict[str, Any] = {"stored_profile": profile} if profile else {}
    entries.append(event(EventType.PROFILE_LOADED, warnings=[*warnings, *hold.warnings], **loaded))
    if hold.until and hold.until > now:
        entries.append(event(EventType.DELAYED, **_delayed(message, hold.until, hold.zone, now)))
    return tuple(entries)


def _delayed(message: wire.SendMessage, until: datetime, zone: str | None, now: datetime) -> dict[str, Any]:
    """The reference's "Request Delayed": what was asked, and what it means for this recipient."""
    delay = message.delay
    asked = None if delay is None else (delay.duration if delay.until is None else str(delay.until))
    wait_ms = round((until - now).total_seconds() * 1000)
    details = {"duration": wait_ms, "date": until.isoformat(), "timezone": zone}
    return {"delay": {"duration": asked}, "details": details}
