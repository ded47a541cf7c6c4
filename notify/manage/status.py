"""How everything stands at this moment: queues, workers, providers, pauses, failures, canaries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from notify import clock, ids, queue
from notify.manage import canary
from notify.manage.canary import Song
from notify.model.names import World
from notify.model.plan import DeliveryState
from notify.pipeline import shared
from notify.providers.base import RateLimit
from notify.store import cache, db, heartbeats, pauses, providers, queues, recent, refusals
from notify.store.providers import Configured

MINUTES = 5
_FAILURES = 5
_MINUTE = timedelta(minutes=1)
_WORKERS_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One queue. ``workers``: how many serve it."""

    name: str
    depth: Mapping[str, int]
    oldest_s: float
    workers: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderState:
    """``outcomes``: recent deliveries by state. ``line_s``: how far ahead its turns are given."""

    world: World
    name: str
    circuit_open: bool
    limit: str | None
    line_s: float | None
    outcomes: Mapping[DeliveryState, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Paused:
    world: World
    what: str
    held: int
    by: str
    reason: str | None
    resuming: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    id: str
    world: World
    status: str
    error: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """``accepted_per_s``: over the last minute. ``dispatch_age_s``: None: it has never run.

    ``refused``: messages of Celery tasks, over the last minutes.
    """

    accepted_per_s: float
    dispatch_age_s: float | None
    lines: Sequence[Line]
    workers: Sequence[str]
    providers: Sequence[ProviderState]
    pauses: Sequence[Paused]
    failures: Sequence[Failed]
    refused: int
    canaries: Sequence[Song]


def snapshot() -> Snapshot:
    """How everything stands.

    Raises:
        Unavailable: the database is away.
    """
    served = queue.served(_WORKERS_S)
    now = clock.now()
    recently = now - timedelta(minutes=MINUTES)
    with db.begin() as tx:
        queues.limit_time(tx)
        cache.refresh(tx)
        configured = [entry for world in World for entry in providers.configured(tx, world)]
        beats = heartbeats.find(tx, heartbeats.DISPATCH)
        beat = beats.get(heartbeats.DISPATCH)
        return Snapshot(
            accepted_per_s=round(recent.accepted(tx, now - _MINUTE) / 60, 1),
            dispatch_age_s=beat.age_s if beat else None,
            lines=_lines(tx, served),
            workers=sorted(served),
            providers=_providers(configured, recent.outcomes(tx, recently)),
            pauses=_pauses(tx),
            failures=[
                Failed(id=ids.to_wire(one.id), world=one.world, status=one.status, error=one.error)
                for one in recent.failures(tx, recently, _FAILURES)
            ],
            refused=refusals.count(tx, recently),
            canaries=canary.read(tx),
        )


def _lines(tx: db.Tx, served: Mapping[str, Sequence[str]]) -> list[Line]:
    found = []
    for state in queues.states(tx, queue.places()):
        name = queue.queue_of(state.place)
        workers = sum(name in names for names in served.values())
        found.append(Line(name=name, depth=state.depth, oldest_s=state.oldest_s, workers=workers))
    return found


def _providers(configured: Sequence[Configured], outcomes: Sequence[recent.Outcomes]) -> list[ProviderState]:
    limits = {
        entry.id: RateLimit.model_validate(entry.settings["rate_limit"])
        for entry in configured
        if entry.settings.get("rate_limit")
    }
    circuits = shared.breaker().opened([entry.id for entry in configured])
    ahead = shared.limits().ahead_s({id_: limit.interval_s for id_, limit in limits.items()}, clock.now())
    known = [
        ProviderState(
            world=entry.world,
            name=entry.alias or entry.provider,
            circuit_open=entry.id in circuits,
            limit=f"{limits[entry.id].rate:g}/{limits[entry.id].period}" if entry.id in limits else None,
            line_s=ahead.get(entry.id),
            outcomes=_of(outcomes, entry.world, entry.provider),
        )
        for entry in configured
    ]
    return [*known, *_built_in(configured, outcomes)]


def _built_in(configured: Sequence[Configured], outcomes: Sequence[recent.Outcomes]) -> list[ProviderState]:
    """What was used without being configured: the sandbox, the webhooks of recipients."""
    listed = {(entry.world, entry.provider) for entry in configured}
    return [
        ProviderState(
            world=world,
            name=provider,
            circuit_open=False,
            limit=None,
            line_s=None,
            outcomes=_of(outcomes, world, provider),
        )
        for world, provider in sorted({(one.world, one.provider) for one in outcomes} - listed)
    ]


def _of(outcomes: Sequence[recent.Outcomes], world: World, provider: str) -> dict[DeliveryState, int]:
    return {one.state: one.count for one in outcomes if (one.world, one.provider) == (world, provider)}


def _pauses(tx: db.Tx) -> list[Paused]:
    found = [pause for world in World for pause in pauses.find(tx, world)]
    counts = pauses.counts(tx, found)
    return [
        Paused(
            world=pause.world,
            what=str(pause),
            held=counts.get(pause.id, 0),
            by=pause.paused_by,
            reason=pause.reason,
            resuming=pause.resumed_at is not None,
        )
        for pause in found
        if pause.resumed_at is None or counts.get(pause.id)
    ]
