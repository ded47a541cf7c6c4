"""deliver: deliveries in, provider calls made, outcomes and what follows from them out.

No transaction is open while providers are called. Outcomes are recorded in groups as they come in, so the
time between a provider's acceptance and our record of it is that of one commit.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from uuid import UUID

from notify.errors import Unavailable
from notify.model.names import Channel, Lane
from notify.model.plan import DeliveryState
from notify.model.status import Status
from notify.model.work import Claim, Done, Handoff, Place, Stage
from notify.pipeline import outcomes, suppressing
from notify.pipeline.claims import take
from notify.pipeline.flight import Batch, Flight
from notify.pipeline.job import Job, Results
from notify.pipeline.pace import Pace
from notify.pipeline.sole import sole
from notify.store import contents, db, deliveries, messages, providers, work
from notify.store.deliveries import Delivery

_WAIT_S = 1.0
"""For the next answer, when no more is to be taken."""


def run(told: Sequence[UUID], lane: Lane, channel: Channel, *, singles: bool = True) -> Iterator[Done]:
    """Send the deliveries of a channel that are ready; yields as outcomes are recorded.

    While calls are under way more are taken, as many as one process may have under way. In the bulk lane a
    process has one such flight per channel, and single sends are taken first: whoever has to wait for a
    worker, it is not they. Without ``singles`` they are left to the workers that serve their lane.
    """
    place = Place(stage=Stage.DELIVER, lane=lane, channel=channel)
    if lane is Lane.SINGLE:
        yield from _fly(told, place, (place,), lambda: ())
        return
    first = (replace(place, lane=Lane.SINGLE),) if singles else ()
    with sole(place) as mine:
        if mine:
            yield from _fly(told, place, (*first, place), mine.leave)


def _fly(
    told: Sequence[UUID], place: Place, places: Sequence[Place], leave: Callable[[], Handoff]
) -> Iterator[Done]:
    """``places``: where to take from, in this order; ``leave``: what to publish when no more is taken."""
    pace = Pace(place.lane)
    with Flight() as flight:
        while True:
            if size := pace.room(len(flight)):
                yield from _another(flight, pace, places, told, size)
                told = ()
            elif not flight:
                break
            else:
                yield from _recorded(flight.results(pace.wait_s()))
            if pace.over and (missed := leave()):
                yield Done(handoff=missed)
    if handoff := pace.handoff + leave():
        yield Done(handoff=handoff)


def _another(
    flight: Flight, pace: Pace, places: Sequence[Place], told: Sequence[UUID], size: int
) -> Iterator[Done]:
    """One more batch, if the database is there."""
    try:
        batch, more = _take(places, told, size)
    except Unavailable:
        if not flight:
            raise
        # What is under way has its outcome recorded all the same, when the database is back.
        pace.stop()
        return
    yield Done(claimed=len(batch.claims), handoff=pace.took(batch.claims, more))
    yield from _sent(flight, batch)


def _take(places: Sequence[Place], told: Sequence[UUID], size: int) -> tuple[Batch, Handoff]:
    claims: list[Claim] = []
    handoff: Handoff = ()
    with db.begin(durable=False) as tx:
        for place in places:
            if len(claims) < size:
                taken, more = take(tx, place, told if place is places[-1] else (), size - len(claims))
                claims, handoff = [*claims, *taken], handoff + more
        return _load(tx, claims), handoff


def _sent(flight: Flight, batch: Batch) -> Iterator[Done]:
    """What has killed a worker before flies without others, so that it is known who killed the next."""
    doubtful = {claim.id for claim in batch.claims if claim.lost}
    yield from _recorded(flight.start(batch.only(lambda id_: id_ not in doubtful)))
    if doubtful:
        yield from _landed(flight)
        yield from _recorded(flight.start(batch.only(doubtful.__contains__)))
        yield from _landed(flight)


def _landed(flight: Flight) -> Iterator[Done]:
    while flight:
        yield from _recorded(flight.results(_WAIT_S))


def _recorded(groups: Iterable[Results]) -> Iterator[Done]:
    for group in groups:
        yield Done(handoff=outcomes.record(group))


def _load(tx: db.Tx, claims: Sequence[Claim]) -> Batch:
    if not claims:
        return Batch()
    wanted = sorted({claim.message_id for claim in claims})
    jobs = _jobs(tx, claims, wanted)
    ready = {job.claim.id for job in jobs}
    # Cancelled, ended by its deadline, or gone with retention: nothing is left to send.
    work.finish(tx, [claim.id for claim in claims if claim.id not in ready])
    worlds = {claim.world for claim in claims}
    configured = {world: providers.configured(tx, world) for world in worlds}
    return Batch(claims=claims, jobs=jobs, configured=configured)


def _jobs(tx: db.Tx, claims: Sequence[Claim], wanted: Sequence[UUID]) -> list[Job]:
    found = messages.load(tx, wanted)
    planned = contents.planned(tx, wanted)
    by_message = deliveries.of_messages(tx, wanted)
    rows = {row.id: row for rows in by_message.values() for row in rows}
    jobs = [
        Job(
            claim=claim,
            delivery=rows[claim.id],
            message=found[claim.message_id],
            content=planned[claim.message_id][0],
            plan=planned[claim.message_id][1],
        )
        for claim in claims
        if claim.id in rows
        and rows[claim.id].state is DeliveryState.ACTIVE
        and claim.message_id in found
        and found[claim.message_id].status is not Status.CANCELED
    ]
    late = [job for job in jobs if _is_late(job, by_message[job.message.id])]
    stopped = suppressing.of_deliveries(tx, late) if late else {}
    return [replace(job, suppressed=stopped.get(job.delivery.id)) for job in jobs]


def _is_late(job: Job, rows: Sequence[Delivery]) -> bool:
    """It has waited, or begun after the first of its message: route's look at its address is an old one."""
    return job.claim.waited is not None or job.delivery.started_at > min(row.started_at for row in rows)
