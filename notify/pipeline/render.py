"""render: messages in; who each is for and what it says, as a resolved document, out.

It knows no channel. A template that fails is its message's failure, never the batch's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from notify import clock, ids, log, settings
from notify.content import elemental
from notify.errors import ContentError
from notify.expression import Limits
from notify.model import wire
from notify.model.names import Lane, World
from notify.model.plan import Final
from notify.model.status import EventType, Reason, Status
from notify.model.work import Claim, Done, Handoff, Place, Stage, Wake
from notify.pipeline.claims import kept, set_aside, take
from notify.recipients.resolve import merge_data, merge_profile
from notify.store import cache, contents, db, events, messages, profiles, templates, work
from notify.store.contents import Content
from notify.store.events import Event
from notify.store.messages import StatusChange, StoredMessage
from notify.store.templates import Template

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a batch of messages needs from the store."""

    messages: Mapping[UUID, StoredMessage]
    profiles: Mapping[tuple[World, str], dict[str, Any]]
    templates: Mapping[tuple[World, str], Template | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Result:
    """One message's outcome: content and when to route it, or the status it ends with."""

    message_id: UUID
    log: tuple[Event, ...] = field(default=())
    content: Content | None = None
    due_at: datetime | None = None
    final: Final | None = None


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Render the messages that are ready."""
    place = Place(stage=Stage.RENDER, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
        known = _load(tx, claims)
    if not claims:
        return Done()
    now = clock.now()
    with kept(claims):
        results = [_result(claim, known, now) for claim in claims if claim.id in known.messages]
        wakes = _record(claims, results, lane, now)
    return Done(claimed=len(claims), handoff=more + wakes)


def _load(tx: db.Tx, claims: Sequence[Claim]) -> _Known:
    if not claims:
        return _Known(messages={}, profiles={}, templates={})
    cache.refresh(tx)
    found = messages.load(tx, [claim.message_id for claim in claims])
    users = {(m.world, m.user_id) for m in found.values() if m.user_id}
    names = {(m.world, m.body["template"]) for m in found.values() if m.body.get("template")}
    return _Known(
        messages=found,
        profiles=profiles.get_many(tx, users),
        templates={name: templates.sendable(tx, *name) for name in names},
    )


def _result(claim: Claim, known: _Known, now: datetime) -> _Result:
    message = known.messages[claim.message_id]
    if error := set_aside(claim):
        return _failed(message.id, Status.UNDELIVERABLE, Reason.FAILED, error, now)
    try:
        return _render(message, known, now)
    except ContentError as error:
        return _failed(message.id, Status.UNDELIVERABLE, Reason.FAILED, str(error), now)
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception("render.failed", message_id=ids.to_wire(message.id))
        text = f"Rendering failed unexpectedly ({type(error).__name__})."
        return _failed(message.id, Status.UNDELIVERABLE, Reason.FAILED, text, now)


def _failed(id_: UUID, status: Status, reason: Reason | None, error: str, now: datetime) -> _Result:
    event = Event(
        message_id=id_, at=now, type=EventType(status), detail={"reason": reason, "error_message": error}
    )
    return _Result(message_id=id_, log=(event,), final=Final(status=status, reason=reason, error=error))


def _render(stored: StoredMessage, known: _Known, now: datetime) -> _Result:
    message = wire.SendMessage.model_validate(stored.body)
    recipient = wire.recipients(message)[0]
    template = known.templates.get((stored.world, message.template)) if message.template else None
    if message.template and template is None:
        error = f"Template {message.template!r} does not exist."
        return _failed(stored.id, Status.UNMAPPED, None, error, now)
    if template and template.published is None:
        error = f"Template {message.template!r} has never been published."
        return _failed(stored.id, Status.UNROUTABLE, Reason.UNPUBLISHED, error, now)

    profile = merge_profile(
        known.profiles.get((stored.world, stored.user_id)) if stored.user_id else None, recipient.entry
    )
    data = merge_data(message.data, recipient.entry.get("data"))
    payload = template.published if template and template.published else {}
    document = elemental.resolve(
        payload.get("content") or message.content or {},
        variables=_variables(stored, message, profile, data, now),
        locale=profile.get("locale"),
        limits=_limits(),
    )
    content = Content(
        message_id=stored.id,
        document_json=contents.written(document),
        profile=profile,
        routing=payload.get("routing"),
    )
    due_at = _due_at(message, stored, now)
    history = _history(stored, message, template, document.warnings, due_at, now)
    return _Result(message_id=stored.id, log=history, content=content, due_at=due_at)


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


def _limits() -> Limits:
    config = settings.load()
    return Limits(
        timeout_ms=config.template_timeout_ms,
        steps=config.max_template_steps,
        output_bytes=config.max_output_bytes,
    )


def _due_at(message: wire.SendMessage, stored: StoredMessage, now: datetime) -> datetime:
    """When to route: at once, or when the delay ends. Exact, never rounded; a time in the past is now."""
    delay = message.delay
    if delay and delay.duration is not None:
        return max(now, stored.enqueued_at + timedelta(milliseconds=delay.duration))
    return max(now, delay.until) if delay and delay.until else now


def _history(
    stored: StoredMessage,
    message: wire.SendMessage,
    template: Template | None,
    warnings: Sequence[str],
    due_at: datetime,
    now: datetime,
) -> tuple[Event, ...]:
    def event(type_: EventType, **detail: Any) -> Event:
        return Event(message_id=stored.id, at=now, type=type_, detail=detail)

    entries = []
    if template:
        mapped = {"event_id": message.template, "notification_id": template.id}
        entries.append(event(EventType.MAPPED, **mapped))
    entries.append(event(EventType.PROFILE_LOADED, warnings=list(warnings)))
    if due_at > now:
        entries.append(event(EventType.DELAYED, until=due_at.isoformat()))
    return tuple(entries)


def _record(claims: Sequence[Claim], results: Sequence[_Result], lane: Lane, now: datetime) -> Handoff:
    place = Place(stage=Stage.ROUTE, lane=lane)
    horizon = now + timedelta(seconds=settings.load().horizon_s)
    with db.begin(durable=False) as tx:
        messages.lock(tx, [result.message_id for result in results])
        held = work.fence(tx, claims)
        results = [result for result in results if result.message_id in held]
        routed = [(r.message_id, place, r.due_at) for r in results if r.due_at]
        contents.insert(tx, [r.content for r in results if r.content])
        events.append(tx, [event for r in results for event in r.log])
        messages.set_status(tx, [change for r in results for change in _changes(r, now)])
        work.move(tx, routed, horizon=horizon)
        work.finish(tx, [r.message_id for r in results if r.final])
        _forget_vanished(tx, claims, held, results)
    return tuple(
        Wake(place=place, ids=(id_,), at=due if due > now else None)
        for id_, _, due in routed
        if due <= horizon
    )


def _changes(result: _Result, now: datetime) -> list[StatusChange]:
    final = result.final
    if final:
        return [
            StatusChange(
                id=result.message_id, status=final.status, at=now, reason=final.reason, error=final.error
            )
        ]
    if result.due_at and result.due_at > now:
        return [StatusChange(id=result.message_id, status=Status.DELAYED, at=now)]
    return []


def _forget_vanished(tx: db.Tx, claims: Sequence[Claim], held: set[UUID], results: Sequence[_Result]) -> None:
    """Work whose message has gone (retention) has nothing left to do."""
    known = {result.message_id for result in results}
    work.finish(tx, [claim.id for claim in claims if claim.id in held and claim.id not in known])
