"""Waiting at a provider: what one transaction puts off, and what need not wait any longer."""

from collections.abc import Set
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from notify import settings
from notify.model.call import Held
from notify.model.work import Handoff, PutOff, Wait, Wake
from notify.pipeline.job import Job
from notify.store import db, work

CIRCUIT_OPEN = "circuit open"
_TOO_LATE = {
    Wait.TURN: "message timeout, before its turn came",
    Wait.CIRCUIT: "message timeout, while the circuit was open",
}


@dataclass(slots=True)
class Waiting:
    """``open``: provider configurations whose circuit is; ``recovered``: those that were called again."""

    now: datetime
    open: Set[UUID]
    recovered: set[UUID]
    rows: list[PutOff] = field(default_factory=list)

    def put_off(self, job: Job, wait: Wait, due: datetime) -> None:
        """The delivery is looked at again when it is ``due``."""
        self.rows.append(
            PutOff(
                id=job.delivery.id,
                place=job.claim.place,
                provider_id=job.delivery.provider_id,
                wait=wait,
                due_at=due,
            )
        )

    def hold(self, job: Job, held: Held, *, fallback: bool) -> str | None:
        """Put off what was not called; or why it is given up instead."""
        if held.wait is Wait.CIRCUIT and fallback:
            return CIRCUIT_OPEN
        if self.now >= job.plan.deadline:
            return _TOO_LATE[held.wait]
        self.put_off(job, held.wait, min(held.until, job.plan.deadline))
        return None

    def went(self, job: Job) -> None:
        """The delivery was accepted; what waits for the same circuit may follow, a pass at a time."""
        if job.claim.waited is Wait.CIRCUIT:
            self.recovered.add(job.delivery.provider_id)

    def write(self, tx: db.Tx) -> Handoff:
        """Write it all; return the wake-ups for what is due soon."""
        horizon = self.now + timedelta(seconds=settings.load().horizon_s)
        work.put_off(tx, self.rows, horizon=horizon)
        soon = [
            Wake(place=row.place, ids=(row.id,), at=row.due_at) for row in self.rows if row.due_at <= horizon
        ]
        # Bounded, and complete all the same: what is made due here comes back and takes more along.
        return (
            *soon,
            *self._hasten(tx, Wait.RETRY, self.open),
            *self._hasten(tx, Wait.TURN, self.open),
            *self._hasten(tx, Wait.CIRCUIT, self.recovered),
        )

    def _hasten(self, tx: db.Tx, wait: Wait, providers: Set[UUID]) -> Handoff:
        sizes = dict.fromkeys(providers, settings.load().pass_size)
        return tuple(work.hasten(tx, wait, sizes, after=self.now))
