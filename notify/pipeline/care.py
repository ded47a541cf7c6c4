"""Care of providers: calls that are ready in; which of them are made, and which wait or give up, out.

Every call comes through here, whatever provider and channel: circuit breaker first, then rate limit. Both are
shared by all workers. A provider that only one message names (a webhook of its recipient) has neither: how it
fares says nothing about anybody else's.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from notify import clock, log, metrics, settings
from notify.model.call import Blame, Call, Held, HttpCall, Permanent, SmtpCall, Transient
from notify.model.names import Lane
from notify.model.work import Wait
from notify.pipeline import shared
from notify.pipeline.job import Job, Result
from notify.pipeline.options import BUILT_IN
from notify.providers.base import RateLimit
from notify.transport.breaker import State

_OUTSIDE = timedelta(hours=1)
_MAX_RESTS = 20
_log = log.get(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """A delivery whose call is ready to be made."""

    job: Job
    call: Call
    limit: RateLimit | None = None


@dataclass(slots=True)
class Care:
    """One flight's view of its providers. ``open``: whose circuits are; ``closed``: whose closed just now."""

    open: set[UUID] = field(default_factory=set)
    closed: set[UUID] = field(default_factory=set)
    _watched: set[UUID] = field(default_factory=set)
    _doubtful: set[UUID] = field(default_factory=set)
    _probes: set[UUID] = field(default_factory=set)

    def admit(self, batch: Sequence[Ready]) -> tuple[dict[UUID, float], list[tuple[Job, Result]]]:
        """Which deliveries are called, in how many seconds each; and those that are not."""
        now = clock.now()
        starts: dict[UUID, float] = {}
        held: list[tuple[Job, Result]] = []
        for (provider_id, lane), group in _by_provider(batch).items():
            passed = self._through_circuit(provider_id, group, held, now)
            starts |= self._in_turn(provider_id, lane, passed, held, now)
        return starts, held

    def _through_circuit(
        self, provider_id: UUID, group: Sequence[Ready], held: list[tuple[Job, Result]], now: datetime
    ) -> Sequence[Ready]:
        common, own = _partition(group)
        if not common:
            return group
        self._watched |= {ready.job.delivery.id for ready in common}
        standing = shared.breaker().ask(provider_id, now)
        if standing.state is State.CLOSED:
            self.open.discard(provider_id)
            if not standing.clean:
                self._doubtful.add(provider_id)
            return group
        self.open.add(provider_id)
        if standing.state is State.PROBE:
            probe = common.pop(0)
            self._probes.add(probe.job.delivery.id)
            own.append(probe)
        for position, ready in enumerate(common):
            until = standing.probe_at + _rest(ready.job, position)
            held.append((ready.job, Held(wait=Wait.CIRCUIT, until=until)))
        return own

    def _in_turn(
        self,
        provider_id: UUID,
        lane: Lane,
        group: Sequence[Ready],
        held: list[tuple[Job, Result]],
        now: datetime,
    ) -> dict[UUID, float]:
        limit = group[0].limit if group else None
        if limit is None:
            return {ready.job.delivery.id: 0.0 for ready in group}
        waited = [ready.job.claim.waited is Wait.TURN for ready in group]
        turns = shared.limits().ask(provider_id, limit.interval_s, lane, waited, now)
        starts = {}
        for ready, turn in zip(group, turns, strict=True):
            if turn.at:
                waits = metrics.TURN_SECONDS.labels(ready.job.delivery.provider)
                waits.observe((turn.at - now).total_seconds())
            if turn.go and turn.at:
                starts[ready.job.delivery.id] = (turn.at - now).total_seconds()
            else:
                held.append((ready.job, Held(wait=Wait.TURN, until=turn.at or now + _OUTSIDE)))
        return starts

    def learn(self, results: Iterable[tuple[Job, Result]]) -> None:
        """Count what the providers answered; some circuits open or close by it."""
        self.closed.clear()
        answers: dict[UUID, list[tuple[Job, Result]]] = defaultdict(list)
        for job, result in results:
            if job.delivery.id in self._watched:
                self._watched.discard(job.delivery.id)
                answers[job.delivery.provider_id].append((job, result))
        for provider_id, group in answers.items():
            self._count(provider_id, group)

    def _count(self, provider_id: UUID, group: Sequence[tuple[Job, Result]]) -> None:
        failures = sum(_is_failure(result) for _, result in group)
        probed = not self._probes.isdisjoint(job.delivery.id for job, _ in group)
        self._probes.difference_update(job.delivery.id for job, _ in group)
        # The ordinary answer of an ordinary provider is news to nobody.
        if not (failures or probed or provider_id in self._doubtful):
            return
        state = shared.breaker().report(
            provider_id, clock.now(), failures=failures, others=len(group) - failures, probed=probed
        )
        self._follow(provider_id, group[0][0].delivery.provider, state)

    def _follow(self, provider_id: UUID, provider: str, state: State) -> None:
        match state:
            case State.OPEN | State.OPENED:
                self.open.add(provider_id)
            case State.CLOSED_AGAIN:
                self.closed.add(provider_id)
                self.open.discard(provider_id)
            case _:
                self.open.discard(provider_id)
        if state in {State.OPENED, State.CLOSED_AGAIN}:
            metrics.CIRCUIT_CHANGES.labels(provider, state.name.lower()).inc()
            _log.warning(f"circuit.{state.name.lower()}", provider=provider, provider_id=str(provider_id))


def _by_provider(batch: Sequence[Ready]) -> dict[tuple[UUID, Lane], list[Ready]]:
    grouped: dict[tuple[UUID, Lane], list[Ready]] = defaultdict(list)
    for ready in batch:
        grouped[ready.job.delivery.provider_id, ready.job.claim.place.lane].append(ready)
    return grouped


def _partition(group: Sequence[Ready]) -> tuple[list[Ready], list[Ready]]:
    parts: tuple[list[Ready], list[Ready]] = [], []
    for ready in group:
        parts[0 if _is_shared(ready) else 1].append(ready)
    return parts


def _is_shared(ready: Ready) -> bool:
    """Whether other messages go to the same place, so that its failures foretell theirs."""
    match ready.call:
        case HttpCall(untrusted=untrusted):
            return not untrusted and ready.job.delivery.provider_id != BUILT_IN
        case SmtpCall():
            return True
    return False


def _is_failure(result: Result) -> bool:
    """Whether the provider could not do its work; to be busy or to refuse is an answer."""
    match result:
        case Transient(busy=busy):
            return not busy
        case Permanent(blame=blame):
            return blame is Blame.UNKNOWN
    return False


def _rest(job: Job, position: int) -> timedelta:
    """How long after the next probe this one asks again: the first may be it, and wakes the others."""
    rests = min(job.claim.attempt, _MAX_RESTS) if position else 0
    return timedelta(seconds=rests * settings.load().breaker_open_s)
