"""deliver: deliveries in, provider calls made, outcomes and what follows from them out.

No transaction is open while providers are called. Outcomes are recorded in groups as they come in, so the
time between a provider's acceptance and our record of it is that of one commit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from uuid import UUID

from notify.model.names import Channel, Lane, World
from notify.model.plan import DeliveryState
from notify.model.status import Status
from notify.model.work import Claim, Done, Place, Stage
from notify.pipeline import calling, outcomes, suppressing
from notify.pipeline.claims import kept, take
from notify.pipeline.job import Job
from notify.store import contents, db, deliveries, messages, providers, work
from notify.store.deliveries import Delivery
from notify.store.providers import Configured


@dataclass(frozen=True, slots=True, kw_only=True)
class _Known:
    """What a batch of deliveries needs from the store."""

    jobs: Sequence[Job] = ()
    configured: Mapping[World, Sequence[Configured]] = field(default_factory=dict)


def run(told: Sequence[UUID], lane: Lane, channel: Channel) -> Iterator[Done]:
    """Send the deliveries of a channel that are ready; yields as outcomes are recorded."""
    place = Place(stage=Stage.DELIVER, lane=lane, channel=channel)
    with db.begin(durable=False) as tx:
        claims, more = take(tx, place, told)
        known = _load(tx, claims)
    yield Done(claimed=len(claims), handoff=more)
    if known.jobs:
        with kept(claims):
            for group in calling.send(known.jobs, known.configured, lane):
                yield Done(handoff=outcomes.record(group, lane))


def _load(tx: db.Tx, claims: Sequence[Claim]) -> _Known:
    if not claims:
        return _Known()
    wanted = sorted({claim.message_id for claim in claims})
    jobs = _jobs(tx, claims, wanted)
    ready = {job.claim.id for job in jobs}
    # Cancelled, ended by its deadline, or gone with retention: nothing is left to send.
    work.finish(tx, [claim.id for claim in claims if claim.id not in ready])
    worlds = {claim.world for claim in claims}
    return _Known(jobs=jobs, configured={world: providers.configured(tx, world) for world in worlds})


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
