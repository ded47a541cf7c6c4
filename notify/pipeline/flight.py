"""Deliveries under way at their providers: claimed batches go in, groups of results come out.

A batch joins while others are still under way, so a slow provider costs waiting, not throughput.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from types import TracebackType
from uuid import UUID

from notify import faults
from notify.model.call import Call
from notify.model.names import Lane, World
from notify.model.work import Claim
from notify.pipeline import calling, guarantee, observing
from notify.pipeline.care import Care
from notify.pipeline.claims import kept
from notify.pipeline.job import Job, Result, Results
from notify.store.providers import Configured


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What one claim took, and what of it is to be sent."""

    claims: Sequence[Claim] = ()
    jobs: Sequence[Job] = ()
    configured: Mapping[World, Sequence[Configured]] = field(default_factory=dict)

    def only(self, wanted: Callable[[UUID], bool]) -> "Batch":
        """Of the same batch, the work with these ids."""
        claims = [claim for claim in self.claims if wanted(claim.id)]
        return replace(self, claims=claims, jobs=[job for job in self.jobs if wanted(job.claim.id)])


@dataclass(slots=True)
class _Hold:
    """A batch's claims, held until the last of its calls has its answer."""

    stack: ExitStack
    left: int


@dataclass(frozen=True, slots=True)
class _Under:
    """A call under way."""

    job: Job
    call: Call
    hold: _Hold


class Flight:
    """For one task. Its length is the number of calls under way; leaving its block breaks them off."""

    def __init__(self) -> None:
        self._care = Care()
        self._calls = calling.flight()
        self._under: dict[UUID, _Under] = {}
        self._stack = ExitStack()
        self._ended: list[_Hold] = []

    def __len__(self) -> int:
        return len(self._calls)

    def __enter__(self) -> "Flight":
        self._stack.enter_context(self._calls)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended += [under.hold for under in self._under.values()]
        self._release()
        self._stack.close()

    def start(self, batch: Batch) -> Iterator[Results]:
        """Make the calls of a batch whose providers may be called now; yields what needs none."""
        # If a lease ran out while its call is under way: it is not called beside that.
        jobs = [job for job in batch.jobs if job.delivery.id not in self._under]
        if not jobs:
            return
        hold = _Hold(ExitStack(), 1)
        hold.stack.enter_context(kept(batch.claims))
        ready, decided = calling.prepare(jobs, batch.configured)
        starts, held = self._care.admit(ready)
        going = {one.job.delivery.id: _Under(one.job, one.call, hold) for one in ready}
        going = {id_: under for id_, under in going.items() if id_ in starts}
        hold.left += len(going)
        self._under |= going
        yield from self._by_lane([*decided, *held])
        gate = guarantee.gate({id_: under.job for id_, under in going.items()})
        watched = [(id_, observing.watched(under.call, under.job)) for id_, under in going.items()]
        self._calls.start(watched, starts, gate)
        self._leave(hold)

    def results(self, wait_s: float) -> Iterator[Results]:
        """What has come in since, one lane after the other; waits for the first of it, so long at most."""
        self._release()
        answers = [(self._under.pop(id_), answer) for id_, answer in self._calls.arrived(wait_s)]
        results: list[tuple[Job, Result]] = [
            (under.job, calling.outcome(under.job, under.call, answer)) for under, answer in answers if answer
        ]
        if results:
            faults.hit("deliver.called")
        self._care.learn(results)
        for under, _ in answers:
            self._leave(under.hold)
        yield from self._by_lane(results)

    def _by_lane(self, results: Sequence[tuple[Job, Result]]) -> Iterator[Results]:
        lanes: dict[Lane, list[tuple[Job, Result]]] = defaultdict(list)
        for job, result in results:
            lanes[job.claim.place.lane].append((job, result))
        for lane, group in lanes.items():
            care = self._care
            yield Results(of=group, lane=lane, open=frozenset(care.open), closed=frozenset(care.closed))

    def _leave(self, hold: _Hold) -> None:
        hold.left -= 1
        if not hold.left:
            self._ended.append(hold)

    def _release(self) -> None:
        """Of batches whose last results have been recorded since."""
        while self._ended:
            self._ended.pop().stack.close()
