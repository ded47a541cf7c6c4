"""Single sends at a steady rate, and how long they took from acceptance to SENT, as the messages say."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
import requests

from benchmarks.load import BODY

_TOOK = """
SELECT extract(epoch FROM sent_at - enqueued_at) * 1000 FROM message
WHERE user_id = 'bench-user' AND sent_at IS NOT NULL
  AND enqueued_at BETWEEN to_timestamp(%s) AND to_timestamp(%s)
ORDER BY 1
"""


@dataclass(frozen=True)
class Latency:
    count: int
    p50_ms: float
    p99_ms: float
    max_ms: float


def latency(url: str, since: float, until: float) -> Latency:
    """Of the single sends accepted between two times (epoch seconds)."""
    with psycopg.connect(url) as connection:
        took = [float(row[0]) for row in connection.execute(_TOOK, [since, until])]
    return Latency(len(took), took[len(took) // 2], took[int(len(took) * 0.99)], took[-1])


class Singles:
    """One send after the other, ``rate`` a second; those that fail (all was killed) are not repeated."""

    def __init__(self, url: str, key: str, rate: float) -> None:
        self._url = url
        self._headers = {"authorization": f"Bearer {key}"}
        self._rate = rate

    @contextmanager
    def going(self) -> Iterator[None]:
        """They go on while the block runs."""
        stop = threading.Event()
        thread = threading.Thread(target=self._run, args=[stop], name="singles")
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join()

    def _run(self, stop: threading.Event) -> None:
        session, due = requests.Session(), time.monotonic()
        while not stop.wait(max(0.0, due - time.monotonic())):
            due = max(due + 1 / self._rate, time.monotonic() - 1)
            with suppress(requests.RequestException):
                session.post(f"{self._url}/send", json=BODY, headers=self._headers, timeout=30)
