"""route: rendered messages in; a plan for each and its first deliveries out.

Everything about choice lives in ``routing.plan`` (fed by ``planning``) and ``routing.advance``; this stage
writes down what they say.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notify import clock, ids, log
from notify.model.names import Channel, Lane, World
from notify.model.plan import Final, Plan
from notify.model.preference import Wanted
from notify.model.status import WAITING, EventType, Reason, Status
from notify.model.work import Claim, Done, Handoff, Place, Stage
from notify.pipeline import consent, suppressing, waited
from notify.pipeline.claims import DOUBTFUL, kept, set_aside, take
from notify.pipeline.planning import plan_of, skips, summary
from notify.pipeline.progress import Progress
from notify.pipeline.throttling import Throttled, throttled
from notify.routing.advance import advance
from notify.routing.plan import Unrouted
from notify.routing.verdict import furthest
from notify.store import contents, db, messages, providers, work
from notify.store.contents import Content
from notify.store.messages import StoredMessage
from notify.store.providers import Configured

_log = log.get(__name__)
_Verdict = Plan | Final
_CHANGED = "The recipient's profile has changed since the message was sent; what it says now applies."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a batch of messages needs from the store."""

    messages: Mapping[UUID, StoredMessage]
    contents: Mapping[UUID, Content]
    refreshed: Mapping[UUID, Content]
    suppressed: Mapping[UUID, Mapping[Channel, str]]
    wanted: Mapping[UUID, Wanted]
    providers: Mapping[World, Sequence[Configured]]


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Route the messages that are ready."""
    place = Place(stage=Stage.ROUTE, lane=lane)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
        known = _load(tx, claims)
    if not claims:
        return Done(handoff=more)
    now = clock.now()
    with kept(claims):
        found = {c.id: _verdict(c, known, now) for c in claims if c.id in known.messages}
        settled = [claim for claim in claims if found.get(claim.id, True)]
        wakes = _record(settled, known, {id_: one for id_, one in found.items() if one}, lane, now)
    return Done(claimed=len(claims), handoff=more + wakes)


def _load(tx: db.Tx, claims: Sequence[Claim]) -> _Known:
    if not claims:
        return _Known(messages={}, contents={}, refreshed={}, suppressed={}, wanted={}, providers={})
    wanted = [claim.message_id for claim in claims]
    worlds = {claim.world for claim in claims}
    found, content = messages.load(tx, wanted), contents.load(tx, wanted)
    refreshed = waited.refreshed(tx, found, content)
    content = {**content, **refreshed}
    return _Known(
        messages=found,
        contents=content,
        refreshed=refreshed,
        suppressed=suppressing.suppressed(tx, found, content),
        wanted=consent.wanted(tx, found, {id_: one.topic_id for id_, one in content.items()}, clock.now()),
        providers={world: providers.configured(tx, world) for world in worlds},
    )


def _verdict(claim: Claim, known: _Known, now: datetime) -> _Verdict | None:
    message = known.messages[claim.message_id]
    if error := set_aside(claim):
        return Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=error)
    try:
        content, configured = known.contents[message.id], known.providers[message.world]
        suppressed, wanted = known.suppressed.get(message.id, {}), known.wanted.get(message.id)
        return plan_of(message, content, configured, now, suppressed, wanted)
    except DOUBTFUL:
        _log.exception("route.failed", message_id=ids.to_wire(message.id))
        return None
    except Exception as error:  # noqa: BLE001  # one message's oddity must not take its neighbours along
        _log.exception("route.failed", message_id=ids.to_wire(message.id))
        text = f"Routing failed unexpectedly ({type(error).__name__})."
        return Final(status=Status.UNROUTABLE, reason=Reason.FAILED, error=text)


def _record(
    claims: Sequence[Claim],
    known: _Known,
    verdicts: Mapping[UUID, _Verdict],
    lane: Lane,
    now: datetime,
) -> Handoff:
    with db.begin(durable=False) as tx:
        statuses = messages.lock(tx, list(verdicts))
        held = work.fence(tx, claims)
        progress = Progress(now=now, lane=lane)
        plans, changed = {}, []
        limited = _throttled(tx, known, held & _waited(statuses), now)
        for id_, verdict in {**verdicts, **limited.ends}.items():
            if id_ in held and statuses[id_] in WAITING:
                if content := known.refreshed.get(id_):
                    progress.note(id_, EventType.PROFILE_LOADED, warnings=[_CHANGED])
                    changed.append(content)
                _apply(progress, known.messages[id_], verdict, now)
                if isinstance(verdict, Plan):
                    plans[id_] = verdict
        contents.insert_plans(tx, plans)
        contents.update_profiles(tx, changed)
        wakes = progress.write(tx)
        work.finish(tx, held)
    return wakes + limited.handoff


def _throttled(tx: db.Tx, known: _Known, ids_: set[UUID], now: datetime) -> Throttled:
    topics = {id_: known.contents[id_].topic_id for id_ in ids_ if id_ in known.contents}
    return throttled(tx, [known.messages[id_] for id_ in ids_], topics, now)


def _waited(statuses: Mapping[UUID, Status]) -> set[UUID]:
    return {id_ for id_, status in statuses.items() if status is Status.DELAYED}


def _apply(progress: Progress, message: StoredMessage, verdict: _Verdict, now: datetime) -> None:
    if isinstance(verdict, Final):
        skipped = verdict.skipped if isinstance(verdict, Unrouted) else ()
        progress.end(message.id, verdict)
        nearest = {"channel": furthest(skipped).entry} if skipped else {}
        progress.note(
            message.id,
            EventType(verdict.status),
            **nearest,
            reason=verdict.reason,
            error_message=verdict.error,
            skipped=skips(skipped),
        )
        return
    decision = advance(verdict, (), now)
    progress.status(message.id, Status.ROUTED)
    progress.note(message.id, EventType.ROUTED, **summary(verdict))
    progress.start(message, decision.start)
    if decision.final:
        progress.end(message.id, decision.final)
