"""In which order a worker takes from its queues: what is urgent first, yet every queue has its turn.

Kombu's own round robin has a single send wait for a bulk batch of each stage; its own priority starves what
is named last for as long as there is anything before it.
"""

from collections.abc import Iterable

_FAIR_EVERY = 5


class Turns:
    """The queues in the order they are named, single lanes first; every fifth task is of the queue that has
    gone longest without.

    What ``queue_order_strategy`` names, and kombu asks. Among bulk lanes the turns go round. Where nothing
    waits in the first queues, the others are next anyway.
    """

    def __init__(self) -> None:
        self._named: list[str] = []
        self._taken = 0
        self._last: dict[str, int] = {}

    def update(self, it: Iterable[str]) -> None:
        """These are the queues, in the order they are named."""
        self._named = list(it)

    def consume(self, n: int) -> list[str]:
        """The first ``n`` queues, in the order in which the next task is looked for."""
        fair = self._taken % _FAIR_EVERY == _FAIR_EVERY - 1
        return sorted(self._named, key=self._waiting if fair else self._urgent)[:n]

    def rotate(self, last_used: str) -> str:
        """A task was taken from ``last_used``."""
        self._taken += 1
        self._last[last_used] = self._taken
        return last_used

    def _waiting(self, queue: str) -> int:
        return self._last.get(queue, 0)

    def _urgent(self, queue: str) -> tuple[bool, int]:
        bulk = queue.endswith(".bulk")
        return bulk, self._waiting(queue) if bulk else 0
