"""One message rendered: what was asked and what is known of the recipient in, a document or an end out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from notify import ids, settings
from notify.content import elemental, envelope
from notify.expression import Limits
from notify.model import wire
from notify.model.names import Guarantee, Mode
from notify.model.plan import Final
from notify.model.status import EventType, Reason, Status
from notify.pipeline import preference_links
from notify.pipeline.consent import topic_of
from notify.pipeline.material import Material
from notify.recipients.resolve import Addressee, merge_data, merge_profile, stored_profile
from notify.routing import delays
from notify.routing.delays import Hold
from notify.store import contents
from notify.store.contents import Content
from notify.store.events import Event
from notify.store.messages import StoredMessage


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """A message's outcome: its content and when to route it, or the status it ends with.

    ``tags``: what they are with the template's; None: as they were.
    """

    message: StoredMessage
    log: tuple[Event, ...] = field(default=())
    content: Content | None = None
    due_at: datetime | None = None
    final: Final | None = None
    tags: tuple[str, ...] | None = None


def render(stored: StoredMessage, known: Addressee, material: Material, now: datetime) -> Rendered:
    """Render ``stored`` for its recipient, of whom ``known`` is stored, from ``material``.

    Raises:
        ContentError: the content cannot be rendered; the text names the place.
    """
    message = stored.message()
    if problem := _unsendable(message, material):
        return ended(stored, problem, now)
    entry = wire.recipients(message)[0].entry
    profile = stored_profile(known)
    merged, data = merge_profile(profile, entry), merge_data(message.data, entry.get("data"))
    payload = material.payload or {}
    written = payload.get("content") or message.content or {}
    tenant = known.line.variables if known.line else {}
    topic_id = (payload.get("subscription") or {}).get("topic_id")
    variables = _variables(stored, message, merged, data, tenant, topic_of(stored.body, topic_id), now)
    strict = written.get("scope") == "strict"
    dress = material.brand
    document = elemental.resolve(
        written,
        variables={**variables, "brand": dress.variables if dress else {}},
        locale=merged.get("locale"),
        limits=limits(),
        snippets=dress.snippets if dress else None,
        translate=material.translate,
    )
    if dress:
        document = replace(document, frame=dress.frame(variables, strict=strict, limits=limits()))
    own = envelope.resolve(payload.get("email"), variables=variables, strict=strict, limits=limits())
    document = replace(document, envelope=own) if own else document
    content = Content(
        message_id=stored.id,
        document_json=contents.written(document),
        profile=merged,
        routing=material.routing,
        guarantee=Guarantee(said) if (said := payload.get("guarantee")) else None,
        topic_id=topic_id,
    )
    hold = delays.hold(message.delay, entry=entry, profile=merged, accepted_at=stored.enqueued_at, now=now)
    if hold.until is None:
        never = Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=hold.error)
        return ended(stored, never, now)
    history = _history(stored, message, material, profile, document.warnings, hold, now)
    tags = _tags(message, payload)
    return Rendered(message=stored, log=history, content=content, due_at=hold.until, tags=tags)


def _tags(message: wire.SendMessage, payload: Mapping[str, Any]) -> tuple[str, ...] | None:
    """The message's tags with those of its template; None: these add none."""
    own = (message.metadata.tags if message.metadata else None) or ()
    all_ = tuple(dict.fromkeys((*own, *(payload.get("tags") or ()))))
    return all_ if len(all_) > len(set(own)) else None


def _unsendable(message: wire.SendMessage, material: Material) -> Final | None:
    if message.template is None:
        return None
    if material.template_id is None:
        error = f"Template {message.template!r} does not exist."
        return Final(status=Status.UNMAPPED, error=error)
    if material.payload is None:
        error = f"Template {message.template!r} has never been published."
        return Final(status=Status.UNROUTABLE, reason=Reason.UNPUBLISHED, error=error)
    return None


def addressed(stored: StoredMessage, known: Addressee) -> StoredMessage:
    """``stored``, in the tenant it is sent in."""
    return replace(stored, tenant_id=known.line.id) if stored.tenant_id is None and known.line else stored


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
    tenant: dict[str, Any],
    topic_id: str | None,
    now: datetime,
) -> dict[str, Any]:
    """The roots that templates and conditions see; see ``docs/templates.md``."""
    urls = preference_links.variables(stored, topic_id)
    scope = Mode.DRAFT if stored.mode is Mode.DRAFT else Mode.PUBLISHED
    return {
        "data": data,
        "profile": profile,
        "tenant": tenant,
        "brand": {},
        "event": (message.metadata.event if message.metadata else None) or message.template,
        "recipient": stored.recipient,
        "messageId": ids.to_wire(stored.id),
        "template": message.template,
        "subscriptionTopicId": topic_id,
        "urls": urls,
        "unsubscribeTrackingId": urls["unsubscribe"].rpartition("/")[2],
        "courier": {"environment": str(stored.world), "scope": str(scope)},
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
    material: Material,
    profile: Mapping[str, Any] | None,
    warnings: Sequence[str],
    hold: Hold,
    now: datetime,
) -> tuple[Event, ...]:
    def event(type_: EventType, **detail: Any) -> Event:
        return Event(message_id=stored.id, at=now, type=type_, detail=detail)

    entries = []
    if material.template_id:
        mapped = {"event_id": message.template, "notification_id": material.template_id}
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
