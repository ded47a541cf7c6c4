"""What is let in, for processes that are asked now and then: they look when they are asked, once a second."""

import math
import time
from collections.abc import Callable
from contextlib import suppress
from threading import Lock

from notify import log, metrics, settings
from notify.errors import Unavailable
from notify.manage import strain
from notify.manage.shedding import Pressure, Refuse, Valve
from notify.settings import Settings
from notify.store.queues import Strain

LOOK_EVERY_S = 1.0
_log = log.get(__name__)


def pressure(found: Strain, config: Settings, *, database_s: float, waiting: float = 0.0) -> Pressure:
    """How hard the parts behind are pressed. ``database_s``: how long it takes to store or to answer."""
    return Pressure(
        queues=found.oldest_s / config.shed_queue_s,
        backlog=found.unfinished / config.shed_backlog,
        database=database_s / config.shed_database_s,
        waiting=waiting,
    )


def changed(valve: Valve, found: Pressure, now: float) -> None:
    """Have the valve act on it, and say so where that changes what is refused."""
    part, worst = found.worst
    if valve.see(worst, now):
        refuses = valve.refuses.name.lower()
        _log.warning("admission.changed", refuses=refuses, because=part, pressure=round(worst, 2))


def refusal(kind: Refuse, calm_s: float) -> Unavailable:
    """What a call of this kind is told; it is counted."""
    metrics.SHED.labels(kind.name.lower()).inc()
    what = {Refuse.MANY: " for sends to many", Refuse.TEST: " for the test world"}.get(kind, "")
    text = f"Too much is under way{what} at the moment; nothing was stored."
    # Not sooner than it can be otherwise.
    return Unavailable(text, retry_after_s=math.ceil(calm_s) + 1)


class Gate:
    """Safe to share among threads."""

    def __init__(self, read: Callable[[], Strain] = strain.read) -> None:
        self._read = read
        self._lock = Lock()
        self._valve: Valve | None = None
        self._looked_at = float("-inf")

    def check(self, kind: Refuse) -> None:
        """Let a call of this kind in.

        Raises:
            Unavailable: such calls are refused at present.
        """
        config = settings.load()
        if config.shed and kind <= self._refuses(config):
            raise refusal(kind, config.shed_calm_s)

    def _refuses(self, config: Settings) -> Refuse:
        with self._lock:
            valve = self._valve = self._valve or Valve(config.shed_calm_s)
            if time.monotonic() >= self._looked_at + LOOK_EVERY_S:
                self._look(valve, config)
            return valve.refuses

    def _look(self, valve: Valve, config: Settings) -> None:
        begun = self._looked_at = time.monotonic()
        found = Strain(oldest_s=0.0, unfinished=0)
        # Whoever stores finds out for himself; how long it took counts.
        with suppress(Unavailable):
            found = self._read()
        now = time.monotonic()
        changed(valve, pressure(found, config, database_s=now - begun), now)
