"""The pace of a flight: when it takes more, and how many."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from notify import settings
from notify.model.names import Lane
from notify.model.work import Claim, Handoff

_CLAIM_FOR_S = 10.0
"""How long one task takes more; then it ends with the calls it has, so that a worker can be stopped."""
_LOOK_S, _LOOK_AT_MOST_S = 0.05, 1.0
"""When to look for more while calls are under way and the last look took all; doubled if in vain."""
_BULK_SHARE = 0.75
"""Of the calls that one process has under way, how many may be of the bulk lane."""


@dataclass(slots=True)
class Pace:
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

    @property
    def over(self) -> bool:
        """Whether no more is taken."""
        return time.monotonic() > self._until

    def stop(self) -> None:
        """Take no more."""
        self._until = 0.0

    def wait_s(self) -> float:
        """How long to wait for an answer."""
        left = self._next - time.monotonic()
        return left if left > 0 else _LOOK_AT_MOST_S
