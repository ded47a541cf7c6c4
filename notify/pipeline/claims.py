"""Claims: taking what is ready, and keeping it while it is worked on.

One thread per process extends the leases of what is held, so leases can be short (a killed worker's messages
are under way again within seconds) and work can be long.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from notify import log, settings
from notify.errors import Unavailable
from notify.model.work import Claim, Handoff, Place, Wake
from notify.store import db, work

_log = log.get(__name__)


def take(
    tx: db.Tx, place: Place, told: Sequence[UUID], size: int | None = None
) -> tuple[list[Claim], Handoff]:
    """Claim what is ready at ``place``: the rows a task was told of, and the oldest others.

    Returns:
        The claims; and a wake-up for the same place when the batch was full, since more may be waiting there.
    """
    config = settings.load()
    limit = size or config.batch_size
    claims = work.claim(tx, place, told, size=limit, lease_s=config.lease_s)
    return claims, (Wake(place=place, ids=()),) if len(claims) >= limit else ()


def set_aside(claim: Claim) -> str | None:
    """Why this work is not tried again, when too many workers have died of it; None: go on."""
    if claim.lost < settings.load().max_lost:
        return None
    return f"Set aside: {claim.lost} workers died while working on it."


class _Keeper:
    """Renews every batch that is registered, three times per lease."""

    def __init__(self, lease_s: float) -> None:
        self.pid = os.getpid()
        self._lease_s = lease_s
        self._held: dict[int, Sequence[Claim]] = {}
        self._changed = threading.Event()
        threading.Thread(target=self._run, name="leases", daemon=True).start()

    def hold(self, claims: Sequence[Claim]) -> None:
        self._held[id(claims)] = claims
        self._changed.set()

    def drop(self, claims: Sequence[Claim]) -> None:
        self._held.pop(id(claims), None)

    def _run(self) -> None:
        while True:
            self._changed.wait()
            self._changed.clear()
            while self._held:
                threading.Event().wait(self._lease_s / 3)
                self._renew()

    def _renew(self) -> None:
        held = [claim for claims in list(self._held.values()) for claim in claims]
        if not held:
            return
        try:
            with db.begin(durable=False) as tx:
                work.renew(tx, held, self._lease_s)
        except Unavailable:
            # Nobody else can claim them either; the fence decides when the database is back.
            _log.warning("lease.renew_failed", rows=len(held))


_keeper: _Keeper | None = None


@contextmanager
def kept(claims: Sequence[Claim]) -> Iterator[None]:
    """Hold the claims until the block ends."""
    global _keeper
    if _keeper is None or _keeper.pid != os.getpid():
        _keeper = _Keeper(settings.load().lease_s)
    _keeper.hold(claims)
    try:
        yield
    finally:
        _keeper.drop(claims)
