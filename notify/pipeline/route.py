"""route: messages that have waited in; a plan for each and its first deliveries out.

What did not wait goes its way with render, see ``choosing``, which both stages ask.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from notify import clock
from notify.model.names import Lane
from notify.model.plan import Final
from notify.model.status import WAITING, EventType, Reason, Status
from notify.model.work import Claim, Done, Handoff, Place, Stage
from notify.pipeline import choosing, waited
from notify.pipeline.choosing import Known, Verdict
from notify.pipeline.claims import kept, set_aside, take
from notify.pipeline.progress import Progress
from notify.pipeline.throttling import Throttled, throttled
from notify.store import bulk, contents, db, messages, work
from notify.store.contents import Content
from notify.store.holding import hold
from notify.store.messages import StoredMessage

_CHANGED = "The recipient's profile has changed since the message was sent; what it says now applies."


@dataclass(frozen=True, slots=True)
class _Batch:
    """The messages of a batch, what they say, and what else is known of them. ``refreshed``: said anew."""

    messages: Mapping[UUID, StoredMessage]
    contents: Mapping[UUID, Content]
    refreshed: Mapping[UUID, Content]
    known: Known


def run(told: Sequence[UUID], lane: Lane) -> Done:
    """Route the messages that are ready."""
    place = Place(stage=Stage.ROUTE, lane=lane)
    with db.begin(durable=False) as tx:
        now = clock.now()
        claims, more = take(tx, place, told)
        batch = _load(tx, claims, now)
    if not claims:
        return Done(handoff=more)
    with kept(claims):
        found = {c.id: _verdict(c, batch, now) for c in claims if c.id in batch.messages}
        settled = [claim for claim in claims if found.get(claim.id, True)]
        wakes = _record(settled, batch, {id_: one for id_, one in found.items() if one}, lane, now)
    return Done(claimed=len(claims), handoff=more + wakes)


def _load(tx: db.Tx, claims: Sequence[Claim], now: datetime) -> _Batch:
    wanted = [claim.message_id for claim in claims]
    found, content = messages.load(tx, wanted), contents.load(tx, wanted)
    refreshed = waited.refreshed(tx, found, content)
    content = {**content, **refreshed}
    return _Batch(found, content, refreshed, choosing.load(tx, found, content, now))


def _verdict(claim: Claim, batch: _Batch, now: datetime) -> Verdict | None:
    if error := set_aside(claim):
        return Final(status=Status.UNDELIVERABLE, reason=Reason.FAILED, error=error)
    return choosing.verdict(batch.messages[claim.message_id], batch.contents, batch.known, now)


def _record(
    claims: Sequence[Claim], batch: _Batch, verdicts: Mapping[UUID, Verdict], lane: Lane, now: datetime
) -> Handoff:
    with db.begin(durable=False) as tx:
        statuses, held = hold(tx, list(verdicts), claims)
        limited = _throttled(tx, batch, held & _waited(statuses), now)
        decided = {
            id_: one
            for id_, one in {**verdicts, **limited.ends}.items()
            if id_ in held and statuses[id_] in WAITING
        }
        changed = {id_: one for id_, one in batch.refreshed.items() if id_ in decided}
        progress = Progress(now=now, lane=lane)
        for id_ in changed:
            progress.note(id_, EventType.PROFILE_LOADED, warnings=[_CHANGED])
        contents.update_profiles(tx, list(changed.values()))
        with bulk.together(tx):
            choosing.write(tx, progress, batch.messages, decided)
            work.finish(tx, held)
            wakes = progress.write(tx)
    return wakes + limited.handoff


def _throttled(tx: db.Tx, batch: _Batch, ids_: set[UUID], now: datetime) -> Throttled:
    topics = {id_: batch.contents[id_].topic_id for id_ in ids_ if id_ in batch.contents}
    return throttled(tx, [batch.messages[id_] for id_ in ids_], topics, now)


def _waited(statuses: Mapping[UUID, Status]) -> set[UUID]:
    return {id_ for id_, status in statuses.items() if status is Status.DELAYED}
