"""A provider that takes its time: what one deliver worker sends then, against an instant provider.

``python -m benchmarks.slow_provider [--count 6000] [--delay-ms 200] [--in-flight 1000]``. The worker stands
still until all messages are routed, so that nothing but deliver is measured. What counts is the ratio.
"""

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

import psutil
import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.footprint import pss_mb
from benchmarks.running import Api, load, ours, prepare, process, wait_for
from notify.local.process import free_port
from notify.local.separate import Ready, separate_instance

_WORKER = "worker-sms"
_NOT_ROUTED = "SELECT count(*) FROM work WHERE stage <> 'deliver'"
_UNSENT = "SELECT count(*) FROM message WHERE status <> 'SENT'"
_CONNECTIONS = 32


@dataclass(frozen=True)
class Result:
    """``memory_mb``: PSS of the deliver worker after the run."""

    delay_ms: int
    in_flight: int
    count: int
    per_s: float
    memory_mb: float


def _family(up: Ready) -> list[psutil.Process]:
    parent = psutil.Process(up.pids[_WORKER])
    return [parent, *parent.children(recursive=True)]


@contextmanager
def _stopped(up: Ready) -> Iterator[None]:
    """The deliver worker stands still while the block runs."""
    family = _family(up)
    for one in family:
        one.suspend()
    try:
        yield
    finally:
        for one in family:
            one.resume()


def _count(up: Ready, statement: str) -> int:
    with psycopg.connect(up.database_url) as connection:
        row = connection.execute(statement.encode()).fetchone()
    assert row
    return int(row[0])


def run(count: int, delay_ms: int, in_flight: int) -> Result:
    with ExitStack() as stack:
        setting = {"NOTIFY_HTTP_CONCURRENCY": str(in_flight), "NOTIFY_LOG_LEVEL": "warning"}
        up = stack.enter_context(separate_instance(**setting))
        port = free_port()
        command = [sys.executable, "-m", "benchmarks.provider", str(port), "--delay-ms", str(delay_ms)]
        stack.enter_context(process(*command))
        key = up.api_keys["production"]
        api = Api(up.base_url, key)
        prepare(api, f"http://127.0.0.1:{port}")
        ours(api, up.base_url, key, 8, 200)  # warm
        with _stopped(up):
            load(up.base_url, key, _CONNECTIONS, count)
            wait_for(lambda: not _count(up, _NOT_ROUTED), "routing", every_s=0.2)
        begin = time.perf_counter()
        wait_for(lambda: not _count(up, _UNSENT), "the last message", every_s=0.05)
        rate = count / (time.perf_counter() - begin)
        return Result(delay_ms, in_flight, count, rate, sum(pss_mb(one.pid) for one in _family(up)))


def show(results: Sequence[Result]) -> None:
    table = Table(title="One deliver worker, by how long its provider takes to answer")
    for column in ("provider ms", "calls under way", "messages", "messages/s", "ratio", "worker MB"):
        table.add_column(column, justify="right")
    for r in results:
        cells = str(r.delay_ms), str(r.in_flight), str(r.count), f"{r.per_s:.0f}"
        table.add_row(*cells, f"{r.per_s / results[0].per_s:.2f}", f"{r.memory_mb:.0f}")
    Console().print(table)
    print(json.dumps([asdict(result) for result in results]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6000, help="messages per run")
    parser.add_argument("--delay-ms", type=int, nargs="+", default=[200, 1000], help="what an answer takes")
    parser.add_argument("--in-flight", type=int, default=1000, help="calls under way at once at most")
    given = parser.parse_args()
    show([run(given.count, delay_ms, given.in_flight) for delay_ms in (0, *given.delay_ms)])


if __name__ == "__main__":
    main()
