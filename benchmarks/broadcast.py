"""A broadcast to a list while single sends go on: what it costs them, and what it holds in memory and broker.

``python -m benchmarks.broadcast [--count 20000] [--rate 5] [--kill]``. What counts are ratios: the p99 from
acceptance to SENT of the single sends during the broadcast, to the same when idle; and the messages per
second, to an empty chain of three Celery tasks. ``--kill`` kills every process in the middle, servers
included, and counts who was sent to twice or not at all.
"""

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import psutil
import psycopg

from benchmarks import yardstick
from benchmarks.running import Api, cpu_s, fill_list, prepare, process, wait_for
from benchmarks.singles import Latency, Singles, latency
from benchmarks.watch import Peaks, Watch
from notify.local.process import free_port
from notify.local.separate import Ready, separate_instance

LIST = "everybody"
_MANY_S = 3600
_MESSAGE = {
    "to": {"list_id": LIST},
    "template": "bench",
    "data": {"name": "Ada", "order": "A-17"},
    "routing": {"method": "single", "channels": ["sms"]},
}
_STATES = """
SELECT count(*), count(DISTINCT user_id), count(*) FILTER (WHERE status = 'SENT'),
  count(*) FILTER (WHERE status NOT IN ('ENQUEUED', 'ROUTED', 'DELAYED', 'SENT'))
FROM message WHERE list_id = %s
"""


@dataclass(frozen=True)
class Ledger:
    """``made``: messages; ``twice``: recipients the provider accepted a message for more than once."""

    made: int
    recipients: int
    sent: int
    failed: int
    accepted: int
    twice: int
    missed: int


@dataclass(frozen=True)
class Result:
    count: int
    seconds: float
    yardstick_per_s: float
    idle: Latency
    during: Latency
    peaks: Peaks
    ledger: Ledger
    cpu_ms: dict[str, float]
    """CPU time per message of each process, children included; empty if all were killed."""
    load: tuple[float, float, float]

    @property
    def per_s(self) -> float:
        return self.count / self.seconds

    @property
    def slower(self) -> float:
        """How many times as long a single send takes at the 99th percentile."""
        return self.during.p99_ms / self.idle.p99_ms


class Broadcast:
    """One broadcast over a fresh instance."""

    def __init__(self, up: Ready, calls: Path, count: int) -> None:
        self._up = up
        self._calls = calls
        self.count = count

    def fill(self) -> None:
        """The list, its subscribers and their profiles."""
        fill_list(self._up.database_url, LIST, self.count)

    def connect(self) -> psycopg.Connection[Any]:
        return psycopg.connect(self._up.database_url, autocommit=True)

    def ended(self) -> int:
        """Messages of the broadcast that have reached their end; 0 while the database is away."""
        with suppress(psycopg.OperationalError), self.connect() as connection:
            _, _, sent, failed = self._states(connection)
            return sent + failed
        return 0

    @staticmethod
    def _states(connection: psycopg.Connection[Any]) -> tuple[int, int, int, int]:
        row = connection.execute(_STATES.encode(), [LIST]).fetchone()
        assert row
        made, recipients, sent, failed = row
        return made, recipients, sent, failed

    def calls(self) -> Counter[str]:
        """How many calls the provider accepted for each recipient: a number tells whose it is."""
        bodies = self._calls.read_text().splitlines() if self._calls.exists() else []
        found = Counter(parse_qs(body)["To"][0] for body in bodies)
        return Counter({to: n for to, n in found.items() if to.startswith("+1555") and to != "+15552223333"})

    def kill_everything(self) -> None:
        """kill -9 to all that the instance's supervisor has started; it starts them again."""
        supervisor = psutil.Process(self._up.pids["api"]).parent()
        assert supervisor
        for one in supervisor.children(recursive=True):
            with suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL)

    def settle(self) -> Ledger:
        with self.connect() as connection:
            made, recipients, sent, failed = self._states(connection)
        calls = self.calls()
        twice = sum(n > 1 for n in calls.values())
        return Ledger(made, recipients, sent, failed, len(calls), twice, self.count - len(calls))


@contextmanager
def _prepared(count: int) -> Iterator[tuple[Ready, Api, Broadcast]]:
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="notify-broadcast-")))
        up = stack.enter_context(separate_instance(NOTIFY_LOG_LEVEL="warning"))
        port, calls = free_port(), directory / "calls"
        stack.enter_context(process(sys.executable, "-m", "benchmarks.provider", str(port), str(calls)))
        api = Api(up.base_url, up.api_keys["production"])
        prepare(api, f"http://127.0.0.1:{port}")
        broadcast = Broadcast(up, calls, count)
        broadcast.fill()
        yield up, api, broadcast


def run(count: int, rate: float, idle_s: float, *, kill: bool) -> Result:
    """One broadcast to ``count`` recipients with ``rate`` single sends a second beside it."""
    with _prepared(count) as (up, api, broadcast):
        singles = Singles(up.base_url, up.api_keys["production"], rate)
        with singles.going():
            time.sleep(3)  # warm
        base = yardstick.rate(up.broker_url, 2, 500)
        idle_from = time.time()
        with singles.going():
            time.sleep(idle_s)
        wait_for(lambda: not api.unfinished(), "the single sends")
        idle = latency(up.database_url, idle_from, time.time())
        with Watch(up, processes=not kill) as watch, singles.going():
            begin, since = time.perf_counter(), time.time()
            before = cpu_s(dict(up.pids))
            api.call("POST", "/send", message=_MESSAGE)
            if kill:
                wait_for(lambda: broadcast.ended() > count // 2, "half of the broadcast", _MANY_S)
                broadcast.kill_everything()
            wait_for(lambda: broadcast.ended() >= count, "the broadcast", _MANY_S, every_s=0.5)
            seconds, until = time.perf_counter() - begin, time.time()
            used = {} if kill else _used(up, before, count)
        wait_for(lambda: not api.unfinished(), "the single sends")
        during = latency(up.database_url, since, until)
        ledger = broadcast.settle()
        return Result(count, seconds, base, idle, during, watch.peaks, ledger, used, os.getloadavg())


def _used(up: Ready, before: dict[str, float], count: int) -> dict[str, float]:
    return {name: (s - before[name]) / count * 1000 for name, s in cpu_s(dict(up.pids)).items()}


def show(result: Result) -> None:
    ledger, peaks = result.ledger, result.peaks
    ratio = (
        f"{result.per_s / result.yardstick_per_s:.2f} times the empty chain ({result.yardstick_per_s:.0f}/s)"
    )
    print(f"{result.count} recipients in {result.seconds:.0f} s: {result.per_s:.0f}/s, {ratio}")
    for name, one in (("idle", result.idle), ("during", result.during)):
        took = f"p50 {one.p50_ms:.0f} ms, p99 {one.p99_ms:.0f} ms, at most {one.max_ms:.0f} ms"
        print(f"single sends {name}: {one.count}, accepted to SENT {took}")
    print(f"p99 ratio: {result.slower:.1f}; load average {', '.join(f'{one:.1f}' for one in result.load)}")
    busiest = sorted(result.cpu_ms.items(), key=lambda one: -one[1])
    shares = ", ".join(f"{name} {ms:.2f}" for name, ms in busiest if ms >= 0.005)
    print(f"CPU ms per message: {sum(result.cpu_ms.values()):.2f} ({shares or 'not measured'})")
    largest = sorted(peaks.memory_mb.items(), key=lambda one: -one[1])
    memory = ", ".join(f"{name} {mb:.0f}" for name, mb in largest)
    print(f"tasks in the broker at most: {peaks.tasks} {peaks.queues}")
    print(f"PSS in MB at most: {memory or 'not measured'}")
    print(
        f"{ledger.made} messages for {ledger.recipients} people: {ledger.sent} SENT, {ledger.failed} failed;"
    )
    print(
        f"the provider was called for {ledger.accepted}, twice for {ledger.twice}, never for {ledger.missed}"
    )
    print(json.dumps({**asdict(result), "slower": round(result.slower, 2)}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000, help="recipients")
    parser.add_argument("--rate", type=float, default=5, help="single sends a second")
    parser.add_argument("--idle-s", type=float, default=20, help="how long they are measured alone")
    parser.add_argument("--kill", action="store_true", help="kill every process in the middle")
    given = parser.parse_args()
    result = run(given.count, given.rate, given.idle_s, kill=given.kill)
    show(result)
    ledger = result.ledger
    sys.exit(ledger.made != given.count or ledger.recipients != given.count or ledger.missed > ledger.failed)


if __name__ == "__main__":
    main()
