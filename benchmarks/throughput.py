"""Throughput: single sends over HTTP to the last SENT, against an empty chain of three Celery tasks.

``python -m benchmarks.throughput [--count 8000] [--connections 8 32]``. Both run in one go on one machine, on
the same broker, with the same number of worker processes; the figure that counts is the ratio.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass

from rich.console import Console
from rich.table import Table

from benchmarks import yardstick
from benchmarks.running import Api, cpu_s, ours, prepare, process
from notify.local.process import free_port
from notify.local.separate import separate_instance


@dataclass(frozen=True)
class Result:
    connections: int
    count: int
    yardstick_per_s: float
    notify_per_s: float
    accept_p50_ms: float
    accept_p99_ms: float
    cpu_ms: dict[str, float]
    """CPU time per message of each process, children included."""

    @property
    def ratio(self) -> float:
        return self.notify_per_s / self.yardstick_per_s


def run(connections: Sequence[int], count: int, processes: int) -> list[Result]:
    results = []
    with ExitStack() as stack:
        up = stack.enter_context(separate_instance(NOTIFY_LOG_LEVEL="warning"))
        port = free_port()
        provider = stack.enter_context(process(sys.executable, "-m", "benchmarks.provider", str(port)))
        pids = {**up.pids, "provider": provider.pid}
        key = up.api_keys["production"]
        api = Api(up.base_url, key)
        prepare(api, f"http://127.0.0.1:{port}")
        ours(api, up.base_url, key, 8, 200)  # warm
        for number in connections:
            base = yardstick.rate(up.broker_url, processes, count // 4)
            before = cpu_s(pids)
            rate, latency = ours(api, up.base_url, key, number, count)
            used = {name: (s - before[name]) / count * 1000 for name, s in cpu_s(pids).items()}
            results.append(Result(number, count, base, rate, latency["p50_ms"], latency["p99_ms"], used))
    return results


def show(results: Sequence[Result]) -> None:
    table = Table(title="Single sends to the last SENT, against an empty three-task Celery chain")
    for column in (
        "connections",
        "messages",
        "chains/s",
        "Notify/s",
        "ratio",
        "accept p50 ms",
        "accept p99 ms",
    ):
        table.add_column(column, justify="right")
    for r in results:
        table.add_row(
            str(r.connections), str(r.count), f"{r.yardstick_per_s:.0f}", f"{r.notify_per_s:.0f}",
            f"{r.ratio:.2f}", f"{r.accept_p50_ms:.1f}", f"{r.accept_p99_ms:.1f}",
        )  # fmt: skip
    Console().print(table)
    for r in results:
        busiest = sorted(r.cpu_ms.items(), key=lambda item: -item[1])
        shares = ", ".join(f"{name} {ms:.2f}" for name, ms in busiest if ms >= 0.005)
        print(f"{r.connections} connections, CPU ms per message: {shares}")
    print(json.dumps([{**asdict(r), "ratio": round(r.ratio, 3)} for r in results]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=8000, help="messages per run")
    parser.add_argument("--connections", type=int, nargs="+", default=[32])
    parser.add_argument("--processes", type=int, default=2, help="worker processes of the yardstick")
    given = parser.parse_args()
    show(run(given.connections, given.count, given.processes))


if __name__ == "__main__":
    main()
