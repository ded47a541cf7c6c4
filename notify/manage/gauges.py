"""What is read when Prometheus asks: queues, lags, partitions, circuits, rate limits: everywhere the same.

Bounded in time whatever waits: see ``store.queues``. What cannot be reached is left out, and that is said.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from notify import clock, log
from notify.manage import canary
from notify.model.names import World
from notify.pipeline import shared
from notify.providers.base import RateLimit
from notify.queue import places
from notify.store import cache, db, heartbeats, partitions, providers, queues
from notify.store.providers import Configured

_PLACE = ("stage", "channel", "lane")
_log = log.get(__name__)


class Gauges(Collector):
    """One look at the database and at what workers share."""

    def collect(self) -> Iterator[Metric]:
        up = GaugeMetricFamily("notify_database_up", "Whether the database answered this scrape.")
        try:
            families, configured = _read()
        except Exception as error:  # noqa: BLE001  # whatever is wrong there, the rest has to be told
            _log.warning("metrics.incomplete", error=type(error).__name__)
            up.add_metric((), 0)
            yield up
            return
        up.add_metric((), 1)
        yield from (up, *families, *_care(configured))


def _read() -> tuple[list[Metric], dict[World, Sequence[Configured]]]:
    with db.begin() as tx:
        queues.limit_time(tx)
        cache.refresh(tx)
        configured = {world: providers.configured(tx, world) for world in World}
        return [*_queues(tx), *_lives(tx), *_tables(tx)], configured


def _queues(tx: db.Tx) -> Iterator[Metric]:
    depth = GaugeMetricFamily("notify_queue_depth", "Work rows at a place.", labels=(*_PLACE, "state"))
    oldest = GaugeMetricFamily(
        "notify_queue_oldest_seconds", "How long the oldest ready work has been due.", labels=_PLACE
    )
    lag = GaugeMetricFamily("notify_reconciler_lag_seconds", "How long work has waited to be woken up again.")
    found = queues.states(tx, places())
    for queue in found:
        place = (queue.place.stage, queue.place.channel or "", queue.place.lane)
        oldest.add_metric(place, queue.oldest_s)
        for state, number in queue.depth.items():
            depth.add_metric((*place, state), number)
    lag.add_metric((), max(queue.overdue_s for queue in found))
    rows = GaugeMetricFamily("notify_work_rows", "All that is unfinished, estimated.")
    rows.add_metric((), queues.unfinished(tx))
    yield from (depth, oldest, lag, rows)


def _lives(tx: db.Tx) -> Iterator[Metric]:
    lag = GaugeMetricFamily("notify_dispatcher_lag_seconds", "How long the oldest parked work has been due.")
    lag.add_metric((), queues.dispatcher_lag_s(tx))
    beats = GaugeMetricFamily(
        "notify_heartbeat_age_seconds", "How long ago a periodic pass last ran.", labels=("name",)
    )
    for name, beat in heartbeats.find(tx).items():
        beats.add_metric((name,), beat.age_s)
    yield from (lag, beats, *_canaries(tx))


def _canaries(tx: db.Tx) -> Iterator[Metric]:
    up = GaugeMetricFamily(
        "notify_canary_up", "1: the last canary came through, and is not late. 0: not.", labels=("lane",)
    )
    took = GaugeMetricFamily("notify_canary_seconds", "How long the last one took.", labels=("lane",))
    for song in canary.read(tx):
        up.add_metric((song.lane,), song.well)
        if song.latency_s is not None:
            took.add_metric((song.lane,), song.latency_s)
    yield from (up, took)


def _tables(tx: db.Tx) -> Iterator[Metric]:
    ahead = GaugeMetricFamily(
        "notify_partitions_ahead_weeks", "For how long a table has partitions.", labels=("table",)
    )
    size = GaugeMetricFamily("notify_table_bytes", "Size of a table, indexes included.", labels=("table",))
    found = partitions.find(tx)
    for table in sorted({one.table for one in found}):
        own = [one for one in found if one.table == table]
        ahead.add_metric((table,), (max(one.ends for one in own) - clock.now()) / timedelta(weeks=1))
        size.add_metric((table,), sum(one.bytes for one in own))
    yield from (ahead, size)


def _care(configured: Mapping[World, Sequence[Configured]]) -> Iterator[Metric]:
    """Several configurations of one provider are one line: how many are open, the longest wait."""
    labels = ("world", "provider")
    opened = GaugeMetricFamily("notify_circuits_open", "Configurations not called at present.", labels=labels)
    line = GaugeMetricFamily(
        "notify_rate_limit_ahead_seconds", "How far ahead of now a rate limit has turns given.", labels=labels
    )
    entries = [(world, entry) for world in World for entry in configured[world]]
    circuits = shared.breaker().opened([entry.id for _, entry in entries])
    turns = shared.limits().ahead_s(_intervals(entry for _, entry in entries), clock.now())
    for world, provider in sorted({(world, entry.provider) for world, entry in entries}):
        ids = [entry.id for of, entry in entries if (of, entry.provider) == (world, provider)]
        opened.add_metric((world, provider), sum(id_ in circuits for id_ in ids))
        if waits := [turns[id_] for id_ in ids if id_ in turns]:
            line.add_metric((world, provider), max(waits))
    yield from (opened, line)


def _intervals(entries: Iterable[Configured]) -> dict[UUID, float]:
    limits = {entry.id: entry.settings.get("rate_limit") for entry in entries}
    return {id_: RateLimit.model_validate(raw).interval_s for id_, raw in limits.items() if raw}
