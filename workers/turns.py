"""In which order a worker takes from its queues: single sends before bulk, yet bulk has its turn, too.

Kombu's own round robin has a single send wait for a bulk batch of each stage; its own priority starves bulk
for as long as single sends keep the worker busy.
"""

from collections.abc import Iterable

_BULK_EVERY = 5


class Turns:
    """The queues in the order they are named, single lanes first; for every fifth task bulk lanes first.

    What ``queue_order_strategy`` names, and kombu asks. Among bulk lanes the turns go round. Where nothing
    waits in the first queues, the others are next anyway.
    """

    def __init__(self) -> None:
        self._queues: list[str] = []
        self._singles = 0

    def update(self, it: Iterable[str]) -> None:
        """These are the queues, in the order they are named."""
        self._queues = list(it)

    def consume(self, n: int) -> list[str]:
        """The first ``n`` queues, in the order in which the next task is looked for."""
        bulk_first = self._singles >= _BULK_EVERY - 1
        return sorted(self._queues, key=lambda queue: queue.endswith(".bulk") is not bulk_first)[:n]

    def rotate(self, last_used: str) -> str:
        """A task was taken from ``last_used``."""
        if not last_used.endswith(".bulk"):
            self._singles += 1
            return last_used
        self._singles = 0
        if last_used in self._queues:
            self._queues.remove(last_used)
            self._queues.append(last_used)
        return last_used
