"""Claims: taking what is ready, and keeping it while it is worked on.

One thread per process extends the leases of what is held, so leases can be short (a killed worker's messages
are under way again within seconds) and work can be long.
"""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from notify import log, queue, settings
from notify.errors import Unavailable
from notify.model.work import Claim, Handoff, Place, Wake
from notify.pipeline import observing, pausing
from notify.store import claiming, db, work

DOUBTFUL = (MemoryError, queue.TimeIsUp)
"""What work runs into by its own fault or its machine's. It is left to its lease, as if its worker had died:
tried again, alone in the end, and set aside if it is always so.
"""

_log = log.get(__name__)
_AGAIN_S = 0.5
"""After a renewal that failed: before whatever kept it from being written lets somebody else's claim pass."""
_MARGIN_S = 0.5
"""What has so little left of its lease is renewed before a provider is called for it."""


def take(
    tx: db.Tx, place: Place, told: Sequence[UUID], size: int | None = None
) -> tuple[list[Claim], Handoff]:
    """Claim what is ready at ``place``: the rows a task was told of, and the oldest others; no paused ones.

    Returns:
        The claims; and a wake-up for the same place when more may be waiting there: the batch was full, or it
        held what a dead process has left, which goes before all else.
    """
    config = settings.load()
    limit = size or config.batch_size
    claims = claiming.claim(tx, place, told, size=limit, lease_s=config.lease_s)
    observing.taken(place, claims)
    more = (Wake(place=place, ids=()),) if len(claims) >= limit or any(c.lost for c in claims) else ()
    return pausing.going_on(tx, claims), more


def set_aside(claim: Claim) -> str | None:
    """Why this work is not tried again, when too many workers have died of it; None: go on."""
    if claim.lost < settings.load().max_lost:
        return None
    return f"Set aside: {claim.lost} workers died while working on it."


class _Keeper:
    """Renews every batch that is registered, three times per lease; none for longer than a task may run.

    A pool of processes ends what takes longer. One of threads cannot, but others get its work all the same.
    """

    def __init__(self, lease_s: float) -> None:
        self.pid = os.getpid()
        self._lease_s = lease_s
        self._longest_s = settings.load().task_time_limit_s * settings.TASK_END
        self._held: dict[int, tuple[float, Sequence[Claim]]] = {}
        self._until: dict[tuple[UUID, int], float] = {}
        self._changed = threading.Event()
        threading.Thread(target=self._run, name="leases", daemon=True).start()

    def hold(self, claims: Sequence[Claim]) -> None:
        self._held[id(claims)] = time.monotonic(), claims
        self._changed.set()

    def drop(self, claims: Sequence[Claim]) -> None:
        self._held.pop(id(claims), None)
        for claim in claims:
            self._until.pop((claim.id, claim.attempt), None)

    def holding(self, claims: Sequence[Claim]) -> set[UUID]:
        soon = time.monotonic() + _MARGIN_S
        late = [c for c in claims if self._until.get((c.id, c.attempt), c.until) < soon]
        still = (self._renew(late) or set()) if late else set()
        return {claim.id for claim in claims} - {claim.id for claim in late} | still

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            wait_s = self._lease_s / 3
            while self._held:
                threading.Event().wait(wait_s)
                wait_s = self._renew_all()

    def _renew_all(self) -> float:
        """Returns in how many seconds to do it again."""
        begun = time.monotonic()
        since = begun - self._longest_s
        held = [claim for at, claims in list(self._held.values()) if at > since for claim in claims]
        if held and self._renew(held) is None:
            return min(_AGAIN_S, self._lease_s / 3)
        return max(0.0, begun + self._lease_s / 3 - time.monotonic())

    def _renew(self, claims: Sequence[Claim]) -> set[UUID] | None:
        """Which of them are still held; None when nobody can say."""
        until = time.monotonic() + self._lease_s
        try:
            with db.begin(durable=False) as tx:
                still = work.renew(tx, claims, self._lease_s)
        except Unavailable:
            # Nobody else can claim them either; the fence decides when the database is back.
            _log.warning("lease.renew_failed", rows=len(claims))
        except Exception:  # noqa: BLE001  # the thread lives as long as its process does
            _log.exception("lease.renew_failed", rows=len(claims))
        else:
            self._until |= {(c.id, c.attempt): until for c in claims if c.id in still}
            return still
        return None


_keeper: _Keeper | None = None
_making = threading.Lock()


def _the_keeper() -> _Keeper:
    """The process's keeper; a forked worker makes its own."""
    global _keeper
    with _making:
        if _keeper is None or _keeper.pid != os.getpid():
            _keeper = _Keeper(settings.load().lease_s)
        return _keeper


def holding(claims: Sequence[Claim]) -> set[UUID]:
    """Those nobody else has taken over. A lease that ran out while this process stood still is renewed if it
    can be.
    """
    return _the_keeper().holding(claims)


@contextmanager
def kept(claims: Sequence[Claim]) -> Iterator[None]:
    """Hold the claims until the block ends."""
    keeper = _the_keeper()
    keeper.hold(claims)
    since = time.time_ns()
    try:
        yield
    finally:
        keeper.drop(claims)
        observing.worked(claims, since)
