"""deliver: deliveries in, provider calls made, outcomes and what follows from them out.

No transaction is open while providers are called. Outcomes are recorded in groups as they come in, so the
time between a provider's acceptance and our record of it is that of one commit.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from notify import settings
from notify.errors import Unavailable
from notify.model.names import Channel, Lane
from notify.model.plan import DeliveryState
from notify.model.status import Status
from notify.model.work import Claim, Done, Handoff, Place, Stage
from notify.pipeline import outcomes, suppressing
from notify.pipeline.claims import take
from notify.pipeline.flight import Batch, Flight
from notify.pipeline.job import Job, Results
from notify.store import contents, db, deliveries, messages, providers, work
from notify.store.deliveries import Delivery

_CLAIM_FOR_S = 10.0
"""How long one task takes more; then it ends with the calls it has, so that a worker can be stopped."""
_LOOK_S, _LOOK_AT_MOST_S = 0.05, 1.0
"""When to look for more while calls are under way and the last look took all; doubled if in vain."""
_BULK_SHARE = 0.75
"""Of the calls that one process has under way, how many may be of the bulk lane."""


def run(told: Sequence[UUID], lane: Lane, channel: Channel) -> Iterator[Done]:
    """Send the deliveries of a channel that are ready; yields as outcomes are recorded.

    While calls are under way more are taken, as many as one process may have under way. In the bulk lane
    single sends are taken first: whoever has to wait for a worker, it is not they.
    """
    pace = _Pace(lane)
    place = Place(stage=Stage.DELIVER, lane=lane, channel=channel)
    with Flight() as flight:
        while True:
            if size := pace.room(len(flight)):
                yield from _another(flight, pace, place, told, size)
                told = ()
            elif not flight:
                break
            else:
                yield from _recorded(flight.results(pace.wait_s()))
    if pace.handoff:
        yield Done(handoff=pace.handoff)


def _another(flight: Flight, pace: "_Pace", place: Place, told: Sequence[UUID], size: int) -> Iterator[Done]:
    """One more batch, if the database is there."""
    try:
        batch, more = _take(place, told, size)
    except Unavailable:
        if not flight:
            raise
        # What is under way has its outcome recorded all the same, when the database is back.
        pace.stop()
        return
    yield Done(claimed=len(batch.claims), handoff=pace.took(batch.claims, more))
    yield from _sent(flight, batch)


@dataclass(slots=True)
class _Pace:
    """When to take more, and how many."""

    lane: Lane
    handoff: Handoff = ()
    _first: bool = True
    _until: float = field(default_factory=lambda: time.monotonic() + _CLAIM_FOR_S)
    _next: float = 0.0
    _look_s: float = _LOOK_S

    def room(self, under_way: int) -> int:
        """How many to take now; 0: none."""
        config = settings.load()
        size = min(config.batch_size, config.http_concurrency)
        share = _BULK_SHARE if self.lane is Lane.BULK else 1.0
        room = int(config.http_concurrency * share) - under_way
        now = time.monotonic()
        # Not a few at a time, as the answers come in: a claim costs as much for one as for many.
        if now < self._next or now > self._until or (under_way and room < size / 2):
            return 0
        return max(1, min(size, room))

    def took(self, claims: Sequence[Claim], handoff: Handoff) -> Handoff:
        """Note what there was; return the wake-ups to publish at once: others may help from the beginning."""
        first, self._first = self._first, False
        self._look_s = _LOOK_S if claims else min(_LOOK_AT_MOST_S, self._look_s * 2)
        self._next = 0.0 if handoff else time.monotonic() + self._look_s
        self.handoff = () if first else handoff
        return handoff if first else ()

    def stop(self) -> None:
        """Take no more."""
        self._until = 0.0

    def wait_s(self) -> float:
        """How long to wait for an answer."""
        left = self._next - time.monotonic()
        return left if left > 0 else _LOOK_AT_MOST_S


def _take(place: Place, told: Sequence[UUID], size: int) -> tuple[Batch, Handoff]:
    claims: list[Claim] = []
    handoff: Handoff = ()
    with db.begin(durable=False) as tx:
        if place.lane is Lane.BULK:
            claims, handoff = take(tx, replace(place, lane=Lane.SINGLE), (), size)
        if len(claims) < size:
            taken, more = take(tx, place, told, size - len(claims))
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
        yield from _recorded(flight.results(_LOOK_AT_MOST_S))


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
    content = contents.load(tx, wanted)
    plans = contents.plans(tx, wanted)
    by_message = deliveries.of_messages(tx, wanted)
    rows = {row.id: row for rows in by_message.values() for row in rows}
    jobs = [
        Job(
            claim=claim,
            delivery=rows[claim.id],
            message=found[claim.message_id],
            content=content[claim.message_id],
            plan=plans[claim.message_id],
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
