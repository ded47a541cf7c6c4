"""More worker processes: what 1, 2 and 4 of each stage send on this machine, and who uses its CPU.

``python -m benchmarks.scale [--count 6000] [--processes 1 2 4]``. docs/performance.md says what follows from
the cost of each part for many machines.
"""

import argparse
import json
import os
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
    """``cpu_ms``: per message, of each process with its children."""

    processes: int
    per_s: float
    yardstick_per_s: float
    cpu_ms: dict[str, float]


def run(processes: int, count: int, connections: int) -> Result:
    with ExitStack() as stack:
        options = ("--concurrency", str(processes))
        up = stack.enter_context(separate_instance(*options, NOTIFY_LOG_LEVEL="warning"))
        port = free_port()
        provider = stack.enter_context(process(sys.executable, "-m", "benchmarks.provider", str(port)))
        pids, key = {**up.pids, "provider": provider.pid}, up.api_keys["production"]
        api = Api(up.base_url, key)
        prepare(api, f"http://127.0.0.1:{port}")
        ours(api, up.base_url, key, 8, 200)  # warm
        base = yardstick.rate(up.broker_url, 2, count // 8)
        before = cpu_s(pids)
        rate, _ = ours(api, up.base_url, key, connections, count)
        used = {name: (s - before[name]) / count * 1000 for name, s in cpu_s(pids).items()}
        return Result(processes, rate, base, {name: ms for name, ms in used.items() if ms >= 0.01})


def show(results: Sequence[Result]) -> None:
    table = Table(title=f"Processes of each worker, on {os.cpu_count()} cores")
    for column in ("processes", "messages/s", "chains", "CPU ms per message"):
        table.add_column(column, justify="left" if column.startswith("CPU") else "right")
    for r in results:
        busiest = sorted(r.cpu_ms.items(), key=lambda item: -item[1])
        shares = ", ".join(f"{name} {ms:.2f}" for name, ms in busiest)
        table.add_row(str(r.processes), f"{r.per_s:.0f}", f"{r.per_s / r.yardstick_per_s:.2f}", shares)
    Console().print(table)
    print(json.dumps([asdict(result) for result in results]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=6000, help="messages per run")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--processes", type=int, nargs="+", default=[1, 2, 4], help="of each worker")
    given = parser.parse_args()
    show([run(processes, given.count, given.connections) for processes in given.processes])


if __name__ == "__main__":
    main()
