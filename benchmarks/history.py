"""The hot path beside old messages: the same single sends with none of them, and with ten million.

``python -m benchmarks.history [--messages 10000000] [--count 4000] [--rounds 5]``. Two instances stand side
by side, one empty and one with a history of a month, and are sent to by turns, so that a machine that slows
down slows both; the figure that counts is the ratio of the two. Ten million messages take 25 GB of disk while
it runs, and 20 to 40 minutes. A thousand messages (``--messages 1000``) show how much of a ratio is noise.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks import old_messages
from benchmarks.running import Api, cpu_s, load, prepare, process, wait_for
from notify.local.process import free_port
from notify.local.separate import Ready, separate_instance

_UNFINISHED = "SELECT EXISTS (SELECT FROM work)"
_NOT_SENT = """
SELECT count(*) FROM message WHERE world = 'production' AND recipient = 'bench-user' AND status <> 'SENT'
"""
_BLOCKS = "SELECT blks_hit + blks_read FROM pg_stat_database WHERE datname = current_database()"
_SIZE = "SELECT pg_database_size(current_database())"


@dataclass(frozen=True)
class Round:
    """One load on one instance; per message: CPU in ms of PostgreSQL and of all processes, and the blocks
    that PostgreSQL touched, which no other load on the machine changes.
    """

    messages: int
    per_s: float
    accept_p50_ms: float
    postgres_ms: float
    all_ms: float
    blocks: float


class Instance:
    """An instance with so many old messages."""

    def __init__(self, up: Ready, messages: int) -> None:
        self._up = up
        self.messages = messages

    def fill(self) -> float:
        """Seconds that the history took."""
        begin = time.perf_counter()
        if self.messages:
            old_messages.load_all(self._up.database_url, self.messages)
        return time.perf_counter() - begin

    def value(self, query: str) -> int:
        with psycopg.connect(self._up.database_url, autocommit=True) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row
        return int(row[0])

    def round(self, connections: int, count: int) -> Round:
        """From the first request to the last SENT."""
        touched, before, begin = self.value(_BLOCKS), cpu_s(dict(self._up.pids)), time.perf_counter()
        latencies = load(self._up.base_url, self._up.api_keys["production"], connections, count)
        wait_for(lambda: not self.value(_UNFINISHED), "the last message", every_s=0.1)
        seconds = time.perf_counter() - begin
        used = {name: (s - before[name]) / count * 1000 for name, s in cpu_s(dict(self._up.pids)).items()}
        if left := self.value(_NOT_SENT):
            raise SystemExit(f"{left} messages were not sent")
        blocks = (self.value(_BLOCKS) - touched) / count
        rate, all_ms = count / seconds, sum(used.values())
        return Round(self.messages, rate, latencies["p50_ms"], used["postgres"], all_ms, blocks)


@contextmanager
def _instance(messages: int) -> Iterator[Instance]:
    with ExitStack() as stack:
        up = stack.enter_context(separate_instance(NOTIFY_LOG_LEVEL="warning"))
        port = free_port()
        stack.enter_context(process(sys.executable, "-m", "benchmarks.provider", str(port)))
        prepare(Api(up.base_url, up.api_keys["production"]), f"http://127.0.0.1:{port}")
        yield Instance(up, messages)


@dataclass(frozen=True)
class Result:
    messages: int
    load_s: float
    gigabytes: float
    rounds: list[Round]
    load_average: float

    def of(self, messages: int) -> list[Round]:
        return [one for one in self.rounds if one.messages == messages]

    @property
    def ratio(self) -> float:
        """Of the messages per second with the history to those without, each the median of its turns."""
        return self._ratio("per_s")

    @property
    def cpu_ratio(self) -> float:
        """Likewise of PostgreSQL's CPU time per message."""
        return self._ratio("postgres_ms")

    @property
    def blocks_ratio(self) -> float:
        """Likewise of the blocks that PostgreSQL touched."""
        return self._ratio("blocks")

    def _ratio(self, field: str) -> float:
        return _median(self.of(self.messages), field) / _median(self.of(0), field)


def _median(rounds: Sequence[Round], field: str) -> float:
    return float(statistics.median(getattr(one, field) for one in rounds))


def run(messages: int, count: int, rounds: int, connections: int) -> Result:
    with _instance(0) as empty, _instance(messages) as full:
        load_s = full.fill()
        print(f"{messages:,} messages loaded in {load_s:.0f} s", flush=True)
        found: list[Round] = []
        for number in range(rounds + 1):
            made = [one.round(connections, count) for one in (empty, full)]
            found += made if number else []  # the first is for warmth
        size = full.value(_SIZE) / 1e9
        return Result(messages, load_s, size, found, os.getloadavg()[0])


def show(result: Result) -> None:
    title = f"Single sends, {result.gigabytes:.1f} GB of old messages against none (medians)"
    table = Table(title=title)
    for column in ("old messages", "sends/s", "accept p50 ms", "PostgreSQL CPU ms", "all CPU ms", "blocks"):
        table.add_column(column, justify="right")
    for messages in (0, result.messages):
        table.add_row(f"{messages:,}", *_medians(result.of(messages)))
    Console().print(table)
    names = ("ratio", "cpu_ratio", "blocks_ratio")
    ratios = {name: round(getattr(result, name), 3) for name in names}
    per_message = f"PostgreSQL's CPU {result.cpu_ratio:.2f}, blocks {result.blocks_ratio:.2f}"
    print(f"ratio {result.ratio:.2f}; per message: {per_message}")
    print(json.dumps({**asdict(result), **ratios}))


def _medians(rounds: Sequence[Round]) -> list[str]:
    forms = {"per_s": ".0f", "accept_p50_ms": ".1f", "postgres_ms": ".2f", "all_ms": ".2f", "blocks": ".0f"}
    return [format(_median(rounds, name), form) for name, form in forms.items()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000_000, help="old messages")
    parser.add_argument("--count", type=int, default=4000, help="sends per turn")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each instance")
    parser.add_argument("--connections", type=int, default=32)
    given = parser.parse_args()
    show(run(given.messages, given.count, given.rounds, given.connections))


if __name__ == "__main__":
    main()
