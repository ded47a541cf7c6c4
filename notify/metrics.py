"""Metrics: what each process counts, and where the counts of several processes meet.

In: increments at a few choke points, a batch at a time where there is one. Out: the registry that
``manage.metrics`` exposes. Labels come from our own closed lists: never addresses, ids or what users wrote.

A process keeps its counts to itself until ``share`` is called. Then they live in mapped files of a directory,
which whoever serves ``/metrics`` adds up. A process writes to the first *slot* of the directory that no
living process holds a lock on, so a successor goes on counting where a dead one stopped: nothing is lost or
counted twice, whatever dies, and there are never more files than there were processes at once.
"""

import fcntl
import os
from itertools import count
from os import environ
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, disable_created_metrics, values
from prometheus_client.multiprocess import MultiProcessCollector

disable_created_metrics()  # type: ignore[no-untyped-call]

REGISTRY = CollectorRegistry()
"""What this process has counted; every metric has labels, so that none has a value before ``share``."""

_PLACE = ("stage", "channel", "lane")
_FAST = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_SLOW = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)
_SIZES = (0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def _counter(name: str, text: str, *labels: str) -> Counter:
    return Counter(name, text, labels, registry=REGISTRY)


def _histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...]) -> Histogram:
    return Histogram(name, text, labels, buckets=buckets, registry=REGISTRY)


# --- the API
HTTP_REQUESTS = _counter("notify_http_requests_total", "Answers of the API.", "method", "route", "status")
HTTP_SECONDS = _histogram(
    "notify_http_request_seconds", "Time to the answer's last byte.", "method", "route", buckets=_FAST
)
ACCEPTED = _counter("notify_accepted_total", "Sends stored.", "world")
SHED = _counter("notify_shed_total", "Calls refused since the parts behind could not keep up.", "kind")

# --- stages
BATCH_SIZE = _histogram(
    "notify_batch_size",
    "Work rows taken by one claim (stage accept: sends stored in one transaction).",
    *_PLACE,
    buckets=_SIZES,
)
LOST = _counter("notify_lost_total", "Claims on what a process had died of or with.", *_PLACE)
TASK_SECONDS = _histogram(
    "notify_task_seconds", "Run time of a task: one batch.", *_PLACE, "outcome", buckets=_FAST
)
TASK_SUCCESS = Gauge(
    "notify_task_last_success_timestamp_seconds",
    "When a task of this name last succeeded, Unix time.",
    ("task",),
    registry=REGISTRY,
    multiprocess_mode="max",
)
WAKE_UPS = _counter("notify_wake_ups_total", "Tasks published.", *_PLACE)
PUBLISH_FAILURES = _counter(
    "notify_publish_failures_total", "Times the broker could not be reached.", "error"
)

# --- what becomes of messages
STATUSES = _counter("notify_statuses_total", "Messages that reached a status.", "status", "reason")
OUTCOMES = _counter(
    "notify_outcomes_total",
    "What became of deliveries that were to be sent.",
    "world",
    "channel",
    "provider",
    "lane",
    "outcome",
)
CALL_SECONDS = _histogram(
    "notify_provider_call_seconds",
    "A provider's time to answer.",
    "channel",
    "provider",
    "lane",
    buckets=_FAST,
)
SEND_SECONDS = _histogram(
    "notify_send_seconds",
    "From the send's acceptance to the provider's, all waiting included.",
    "channel",
    "lane",
    buckets=_SLOW,
)

# --- care of providers
CIRCUIT_CHANGES = _counter(
    "notify_circuit_changes_total", "Circuits that opened or closed.", "provider", "state"
)
TURN_SECONDS = _histogram(
    "notify_rate_limit_wait_seconds", "Waits for a turn, as far as they are known.", "provider", buckets=_FAST
)


# --- several processes


class _Slot:
    """This process's place in the directory; a forked child takes one of its own."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._lock: int | None = None
        self._number = ""
        os.register_at_fork(after_in_child=self.leave)

    def number(self) -> str:
        if self._lock is None:
            self._take()
        return self._number

    def _take(self) -> None:
        for number in count():
            lock = os.open(self._directory / f"{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(lock)
            else:
                self._lock, self._number = lock, str(number)
                return

    def leave(self) -> None:
        """A parent keeps its lock although its child closes it."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


_shared: Path | None = None


def share(directory: Path) -> None:
    """Count in the files of ``directory`` from now on, as others do; to be called before the first count."""
    global _shared
    if _shared is not None:
        return
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    environ["PROMETHEUS_MULTIPROC_DIR"] = str(directory)  # where the library looks for it
    values.ValueClass = values.MultiProcessValue(_Slot(directory).number)  # type: ignore[no-untyped-call]
    _shared = directory


def counted() -> CollectorRegistry:
    """What has been counted: here, or by all who share the directory."""
    if _shared is None:
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(_shared))  # type: ignore[no-untyped-call]
    return registry
