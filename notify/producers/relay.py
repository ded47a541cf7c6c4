"""The relay: rows of a producer's outbox in, accepted messages out; any number of relays may run.

A row is locked, handed over under its idempotency key, and deleted when that holds. Whatever dies in between
leaves the row, unlocked, to the next relay, which is answered with the first receipt.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Event

from notify import log, settings
from notify.errors import Unavailable
from notify.model.names import Mode, World
from notify.producers.ways import Fate, Verdict, Way
from notify.store import db, outbox
from notify.store.outbox import OutboxEngine, OutboxTable, Waiting

_log = log.get(__name__)
_LONGEST_WAIT_S = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Relay:
    """``batch``: rows of one pass. ``only``: just those of one world and mode."""

    engine: OutboxEngine
    table: OutboxTable
    way: Way
    batch: int = 100
    poll_s: float = 0.5
    only: tuple[World, Mode] | None = None

    def run(self, stop: Event, *, once: bool = False) -> int:
        """Relay until ``stop`` is set, or, with ``once``, until nothing is left; return how many were taken.

        What is away (either database, the API) is waited for.

        Raises:
            NotifyError: a person is needed, since a key is refused for instance.
            Unavailable: only with ``once``.
        """
        total, failures = 0, 0
        while not stop.is_set():
            try:
                taken, moved = self._pass()
                failures = 0
            except Unavailable as error:
                if once:
                    raise
                failures += 1
                taken = moved = 0
                _log.warning("relay.waits", reason=str(error))
            total += moved
            if once and not moved:
                return total
            if taken < self.batch or not moved:
                stop.wait(self._pause(failures))
        return total

    def _pause(self, failures: int) -> float:
        wait_s = min(_LONGEST_WAIT_S, self.poll_s * float(2 ** min(failures, 10)))
        return wait_s * random.uniform(0.8, 1.2)  # apart from each other, no secret

    def _pass(self) -> tuple[int, int]:
        """How many rows were taken, and how many of them are settled."""
        with db.transaction(self.engine) as tx:
            rows = outbox.take(
                tx,
                self.table,
                size=self.batch,
                max_bytes=settings.load_producer().max_body_bytes,
                only=self.only,
            )
            if not rows:
                return 0, 0
            verdicts = self.way(rows)
            _settle(tx, self.table, rows, verdicts)
        later = verdicts.count(Fate.LATER)
        refused = sum(isinstance(verdict, str) for verdict in verdicts)
        _log.info("relay.done", accepted=len(rows) - later - refused, refused=refused, later=later)
        return len(rows), len(rows) - later


def _settle(tx: db.Tx, table: OutboxTable, rows: Sequence[Waiting], verdicts: Sequence[Verdict]) -> None:
    judged = list(zip(rows, verdicts, strict=True))
    reasons = {row.id: verdict for row, verdict in judged if isinstance(verdict, str)}
    for id_, reason in reasons.items():
        _log.warning("relay.refused", row=str(id_), reason=reason)
    outbox.refuse(tx, table, reasons)
    outbox.drop(tx, table, [row.id for row, verdict in judged if verdict is Fate.ACCEPTED])
