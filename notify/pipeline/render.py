"""render: messages in; who each is for and what it says, as a resolved document, out.

It knows no channel. A template that fails is its message's failure, never the batch's. What need not wait
gets its plan in the same transaction.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from notify import clock, ids, log, settings
from notify.errors import ContentError
from notify.model.names import Lane
from notify.model.plan import Final
from notify.model.status import WAITING, Reason, Status
from notify.model.work import Claim, Done, Handoff, Place, Stage, Wake
from notify.pipeline import choosing, consent, material, observing, people, rendering
from notify.pipeline.claims import DOUBTFUL, kept, set_aside, take
from notify.pipeline.material import Material
from notify.pipeline.progress import Progress
from notify.pipeline.rendering import Rendered
from notify.pipeline.throttling import throttled
from notify.preferences.decide import refusal
from notify.recipients.resolve import Addressee
from notify.store import bulk, contents, db, message_tags, messages, work
from notify.store.contents import Content
from notify.store.holding import hold
from notify.store.messages import StatusChange, StoredMessage

_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a batch of messages needs from the store."""

    messages: Mapping[UUID, StoredMessage] = field(default_factory=dict)
    people: Mapping[UUID, Addressee] = field(default_factory=dict)
    material: Mapping[UUID, Material] = field(default_factory=dict)


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Render the messages that are ready."""
    place = Place(stage=Stage.RENDER, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
        known = _load(tx, claims)
    if not claims:
        return Done(handoff=more)
    now = clock.now()
    with kept(claims):
        rendered = {claim: _render(claim, known, now) for claim in claims if claim.id in known.messages}
        settled = [claim for claim in claims if rendered.get(claim, True)]
        wakes = _record(settled, known, [one for one in rendered.values() if one], lane, now)
    return Done(claimed=len(claims), handoff=more + wakes)


def _load(tx: db.Tx, claims: Sequence[Claim]) -> _Known:
    if not claims:
        return _Known()
    found = messages.load(tx, [claim.message_id for claim in claims])
    addressees = people.load(tx, found.values())
    return _Known(
        messages=found,
        people=addressees,
        material=material.load(tx, found.values(), addressees),
    )


def _render(claim: Claim, known: _Known, now: datetime) -> Rendered | None:
    addressee = known.people[claim.message_id]
    stored = rendering.addressed(known.messages[claim.message_id], addressee)
    if error := set_aside(claim):
        return _failed(stored, error, now)
    try:
        return rendering.render(stored, addressee, known.material[stored.id], now)
    except ContentError as error:
        return _failed(stored, str(error), now)
    except DOUBTFUL:
        _log.exception("render.failed", message_id=ids.to_wire(stored.id))
        return None
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception("render.failed", message_id=ids.to_wire(stored.id))
        return _failed(stored, f"Rendering failed unexpectedly ({type(error).__name__}).", now)


def _failed(stored: StoredMessage, error: str, now: datetime) -> Rendered:
    final = Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=error)
    return rendering.ended(stored, final, now)


def _record(
    claims: Sequence[Claim], known: _Known, results: Sequence[Rendered], lane: Lane, now: datetime
) -> Handoff:
    place, horizon = Place(stage=Stage.ROUTE, lane=lane), now + timedelta(seconds=settings.load().horizon_s)
    with db.begin(durable=False) as tx:
        statuses, held = hold(tx, [result.message.id for result in results], claims)
        results = _unwanted(tx, [result for result in results if result.message.id in held], now)
        results, notice = _throttled(tx, results, now)
        message_tags.put(tx, {r.message.id: r.tags for r in results if r.tags})
        messages.set_tenants(tx, _found_tenants(known, results))
        progress = _progress(results, lane, now)
        going = _going(results, statuses, now)
        since = time.time_ns()
        with bulk.together(tx):
            contents.insert(tx, [r.content for r in results if r.content])
            left = choosing.at_once(tx, progress, *_rendered(going))
            later = [
                (r.message.id, place, r.due_at)
                for r in results
                if r.due_at and (r.due_at > now or r.message.id in left)
            ]
            # What ended here or goes on, or has no message any more (retention), has nothing left to do.
            work.finish(tx, held - {id_ for id_, _, _ in later})
            wakes = progress.write(tx)
        work.move(tx, later, horizon=horizon)
    observing.went_on([claim for claim in claims if claim.id in going.keys() - left], place, since)
    return (
        notice
        + wakes
        + tuple(
            Wake(place=place, ids=(id_,), at=due if due > now else None)
            for id_, _, due in later
            if due <= horizon
        )
    )


def _progress(results: Sequence[Rendered], lane: Lane, now: datetime) -> Progress:
    """What is to be told of these results so far."""
    return Progress(
        now=now,
        lane=lane,
        log=[event for r in results for event in r.log],
        changes={change.id: change for r in results for change in _changes(r, now)},
    )


def _going(
    results: Sequence[Rendered], statuses: Mapping[UUID, Status], now: datetime
) -> dict[UUID, Rendered]:
    """What need not wait, but for what has ended meanwhile."""
    return {
        r.message.id: r
        for r in results
        if r.content and r.due_at and r.due_at <= now and statuses.get(r.message.id) in WAITING
    }


def _rendered(going: Mapping[UUID, Rendered]) -> tuple[dict[UUID, StoredMessage], dict[UUID, Content]]:
    return (
        {id_: one.message for id_, one in going.items()},
        {id_: one.content for id_, one in going.items() if one.content},
    )


def _unwanted(tx: db.Tx, results: Sequence[Rendered], now: datetime) -> list[Rendered]:
    """What nobody wants need not wait; what goes on now is looked at by route."""
    waiting = {r.message.id: r for r in results if r.content and r.due_at and r.due_at > now}
    topics = {id_: one.content.topic_id for id_, one in waiting.items() if one.content}
    wanted = consent.wanted(tx, {id_: one.message for id_, one in waiting.items()}, topics, now)
    ends = {id_: end for id_, one in wanted.items() if (end := refusal(one))}
    return [
        rendering.ended(one.message, ends[one.message.id], now) if one.message.id in ends else one
        for one in results
    ]


def _throttled(tx: db.Tx, results: Sequence[Rendered], now: datetime) -> tuple[list[Rendered], Handoff]:
    """What goes on now is counted, and may be over a limit; what is delayed counts when its time has come."""
    topics = {r.message.id: r.content.topic_id for r in results if r.content}
    found = throttled(tx, [r.message for r in results if r.due_at and r.due_at <= now], topics, now)
    ends = found.ends
    kept = [
        rendering.ended(result.message, ends[result.message.id], now) if result.message.id in ends else result
        for result in results
    ]
    return kept, found.handoff


def _found_tenants(known: _Known, results: Sequence[Rendered]) -> dict[UUID, str]:
    """The tenants of those who were sent to without one, and have just one."""
    return {
        r.message.id: r.message.tenant_id
        for r in results
        if r.message.tenant_id and known.messages[r.message.id].tenant_id is None
    }


def _changes(result: Rendered, now: datetime) -> Iterator[StatusChange]:
    if final := result.final:
        yield StatusChange(
            id=result.message.id, status=final.status, at=now, reason=final.reason, error=final.error
        )
    elif result.due_at and result.due_at > now:
        yield StatusChange(id=result.message.id, status=Status.DELAYED, at=now)
