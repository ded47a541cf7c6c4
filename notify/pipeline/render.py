"""render: messages in; who each is for and what it says, as a resolved document, out.

It knows no channel. A template that fails is its message's failure, never the batch's.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from notify import clock, ids, log, settings
from notify.errors import ContentError
from notify.model.names import Lane, World
from notify.model.plan import Final
from notify.model.status import Reason, Status
from notify.model.work import Claim, Done, Handoff, Place, Stage, Wake
from notify.pipeline import rendering
from notify.pipeline.claims import kept, set_aside, take
from notify.pipeline.rendering import Rendered
from notify.pipeline.throttling import throttled
from notify.store import cache, contents, db, events, messages, profiles, templates, work
from notify.store.messages import StatusChange, StoredMessage
from notify.store.templates import Template

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a batch of messages needs from the store."""

    messages: Mapping[UUID, StoredMessage] = field(default_factory=dict)
    profiles: Mapping[tuple[World, str], dict[str, Any]] = field(default_factory=dict)
    templates: Mapping[tuple[World, str], Template | None] = field(default_factory=dict)


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
        results = [_render(claim, known, now) for claim in claims if claim.id in known.messages]
        wakes = _record(claims, results, lane, now)
    return Done(claimed=len(claims), handoff=more + wakes)


def _load(tx: db.Tx, claims: Sequence[Claim]) -> _Known:
    if not claims:
        return _Known()
    cache.refresh(tx)
    found = messages.load(tx, [claim.message_id for claim in claims])
    users = {(m.world, m.user_id) for m in found.values() if m.user_id}
    names = {(m.world, m.body["template"]) for m in found.values() if m.body.get("template")}
    return _Known(
        messages=found,
        profiles=profiles.get_many(tx, users),
        templates={name: templates.sendable(tx, *name) for name in names},
    )


def _render(claim: Claim, known: _Known, now: datetime) -> Rendered:
    stored = known.messages[claim.message_id]
    if error := set_aside(claim):
        return _failed(stored, error, now)
    profile = known.profiles.get((stored.world, stored.user_id)) if stored.user_id else None
    template = known.templates.get((stored.world, stored.body.get("template") or ""))
    try:
        return rendering.render(stored, profile, template, now)
    except ContentError as error:
        return _failed(stored, str(error), now)
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception("render.failed", message_id=ids.to_wire(stored.id))
        return _failed(stored, f"Rendering failed unexpectedly ({type(error).__name__}).", now)


def _failed(stored: StoredMessage, error: str, now: datetime) -> Rendered:
    final = Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=error)
    return rendering.ended(stored, final, now)


def _record(claims: Sequence[Claim], results: Sequence[Rendered], lane: Lane, now: datetime) -> Handoff:
    place = Place(stage=Stage.ROUTE, lane=lane)
    horizon = now + timedelta(seconds=settings.load().horizon_s)
    with db.begin(durable=False) as tx:
        messages.lock(tx, [result.message.id for result in results])
        held = work.fence(tx, claims)
        results = _throttled(tx, [result for result in results if result.message.id in held], now)
        routed = [(r.message.id, place, r.due_at) for r in results if r.due_at]
        contents.insert(tx, [r.content for r in results if r.content])
        events.append(tx, [event for r in results for event in r.log])
        messages.set_status(tx, [change for r in results for change in _changes(r, now)])
        work.move(tx, routed, horizon=horizon)
        # What ended here, and what has no message any more (retention), has nothing left to do.
        work.finish(tx, held - {id_ for id_, _, _ in routed})
    return tuple(
        Wake(place=place, ids=(id_,), at=due if due > now else None)
        for id_, _, due in routed
        if due <= horizon
    )


def _throttled(tx: db.Tx, results: Sequence[Rendered], now: datetime) -> list[Rendered]:
    """What goes on now is counted, and may be over a limit; what is delayed counts when its time has come."""
    ends = throttled(tx, [r.message for r in results if r.due_at and r.due_at <= now], now)
    return [
        rendering.ended(result.message, ends[result.message.id], now) if result.message.id in ends else result
        for result in results
    ]


def _changes(result: Rendered, now: datetime) -> Iterator[StatusChange]:
    if final := result.final:
        yield StatusChange(
            id=result.message.id, status=final.status, at=now, reason=final.reason, error=final.error
        )
    elif result.due_at and result.due_at > now:
        yield StatusChange(id=result.message.id, status=Status.DELAYED, at=now)
