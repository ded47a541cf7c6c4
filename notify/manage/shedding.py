"""How much of what comes in is refused, by how hard the parts behind are pressed. Pure: time comes in.

Refusals grow at once and shrink a step at a time, after a calm: what has just been let in again has to show
that it is no trouble before more is.
"""

from dataclasses import asdict, dataclass
from enum import IntEnum

from notify.model import wire
from notify.model.names import World


class Refuse(IntEnum):
    """What is refused; each includes those before it."""

    NOTHING = 0
    MANY = 1
    """Sends to many."""
    TEST = 2
    """The test world."""
    ALL = 3


_FROM = {Refuse.MANY: 1.0, Refuse.TEST: 2.0, Refuse.ALL: 4.0}
_CALM = 0.7
"""Of what refusals begin at, the share under which they may end."""


def kind_of(world: World, message: wire.SendMessage, above: int) -> Refuse:
    """With what a send is refused: the first where it is for many, the last where somebody waits for it.

    ``above``: how many recipients are not many yet.
    """
    if wire.is_broadcast(message, above):
        return Refuse.MANY
    return Refuse.TEST if world is World.TEST else Refuse.ALL


@dataclass(frozen=True, slots=True, kw_only=True)
class Pressure:
    """Each part's trouble as a share of what its setting allows: from 1 on sends to many are refused.

    ``queues``: how late single sends are. However late: those behind them are stored all the same.
    ``backlog``: all that is unfinished. ``database``: how long it takes to store, or to answer at all.
    ``waiting``: requests that wait to be stored; 4 where none can.
    """

    queues: float = 0.0
    backlog: float = 0.0
    database: float = 0.0
    waiting: float = 0.0

    @property
    def worst(self) -> tuple[str, float]:
        """The part that is pressed most, and how hard."""
        parts = {**asdict(self), "queues": min(self.queues, 1.0)}
        return max(parts.items(), key=lambda part: part[1])


class Valve:
    """What is refused at present."""

    def __init__(self, calm_s: float) -> None:
        self.refuses = Refuse.NOTHING
        self._calm_s = calm_s
        self._pressed_at = float("-inf")

    def see(self, pressure: float, now: float) -> bool:
        """Act on ``pressure``; whether that changed what is refused. ``now``: monotonic seconds."""
        before = self.refuses
        wanted = max((step for step, at in _FROM.items() if pressure >= at), default=Refuse.NOTHING)
        if before and pressure >= _FROM[before] * _CALM:
            self._pressed_at = now
        if wanted > before:
            self.refuses, self._pressed_at = wanted, now
        elif before and now >= self._pressed_at + self._calm_s:
            self.refuses, self._pressed_at = Refuse(before - 1), now
        return self.refuses is not before
