"""Throughput: single sends over HTTP to the last SENT, against an empty chain of three Celery tasks.

``python -m benchmarks.throughput [--count 8000] [--connections 8 32]``. Both run in one go on one machine, on
the same broker, with the same number of worker processes; the figure that counts is the ratio.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil
import redis
import requests
from rich.console import Console
from rich.table import Table

from notify.local.process import free_port
from notify.local.separate import separate_instance

ROOT = Path(__file__).parent.parent
_DEADLINE_S = 120


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


@contextmanager
def process(*command: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A child process while the block runs."""
    child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **environment}, stdout=subprocess.DEVNULL)
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(60)


def wait_for(ready: Any, what: str, deadline_s: float = _DEADLINE_S, *, every_s: float = 0.02) -> None:
    end = time.monotonic() + deadline_s
    while not ready():
        if time.monotonic() > end:
            raise SystemExit(f"{what} took longer than {deadline_s:.0f} s")
        time.sleep(every_s)


class Api:
    """The few calls the benchmark makes beside the load."""

    def __init__(self, base_url: str, key: str) -> None:
        self._base = base_url
        self._session = requests.Session()
        self._session.headers["authorization"] = f"Bearer {key}"

    def call(self, method: str, path: str, **body: Any) -> Any:
        answer = self._session.request(method, self._base + path, json=body or None, timeout=30)
        answer.raise_for_status()
        return answer.json() if answer.content else None

    def unfinished(self) -> bool:
        found = self.call("GET", "/messages?status=ENQUEUED,ROUTED,DELAYED")
        return bool(found["results"])

    def failed(self) -> bool:
        return bool(self.call("GET", "/messages?status=UNDELIVERABLE,UNROUTABLE,UNMAPPED")["results"])


def prepare(api: Api, provider_url: str) -> None:
    """A template with data, a stored profile, one HTTP provider."""
    settings = {
        "account_sid": "AC1",
        "auth_token": "token",
        "from_number": "+15550001111",
        "base_url": provider_url,
    }
    api.call("POST", "/providers", provider="twilio", settings=settings)
    api.call("PUT", "/profiles/bench-user", profile={"phone_number": "+15552223333", "locale": "en"})
    channel = {
        "type": "channel",
        "channel": "sms",
        "elements": [{"type": "text", "content": "Hello {{name}}, your order {{order}} has shipped."}],
    }
    notification = {
        "name": "bench", "alias": "bench", "tags": [], "brand": None, "subscription": None, "routing": None,
        "content": {"version": "2022-01-01", "elements": [channel]},
    }  # fmt: skip
    api.call("POST", "/notifications", notification=notification, state="PUBLISHED")


def ours(api: Api, base_url: str, key: str, connections: int, count: int) -> tuple[float, dict[str, float]]:
    """Messages per second from the first request to the last SENT, and the latencies of the answers."""
    begin = time.perf_counter()
    command = [sys.executable, "-m", "benchmarks.load", base_url, key, str(connections), str(count)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    wait_for(lambda: not api.unfinished(), "the last message")
    rate = count / (time.perf_counter() - begin)
    if api.failed():
        raise SystemExit("some messages were not sent")
    return rate, json.loads(output)


def cpu_s(pids: dict[str, int]) -> dict[str, float]:
    """Seconds of CPU each process has used so far, with its children."""
    used = {}
    for name, pid in pids.items():
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        used[name] = sum(sum(one.cpu_times()[:2]) for one in family)
    return used


def yardstick(broker_url: str, processes: int, count: int) -> float:
    """Empty chains per second, from the first publish to the last task."""
    client = redis.Redis.from_url(broker_url)
    client.delete("yardstick.done")
    command = [sys.executable, "-m", "celery", "-A", "benchmarks.chain", "worker", "-E", "-c", str(processes)]
    quiet = ["--loglevel", "error", "--without-gossip", "--without-mingle"]
    with process(*command, *quiet, BROKER_URL=broker_url):
        _publish(broker_url, 50)  # workers up, connections made
        wait_for(lambda: int(client.get("yardstick.done") or 0) >= 50, "the yardstick's start")
        client.delete("yardstick.done")
        begin = time.perf_counter()
        _publish(broker_url, count)
        wait_for(lambda: int(client.get("yardstick.done") or 0) >= count, "the yardstick")
        return count / (time.perf_counter() - begin)


def _publish(broker_url: str, count: int) -> None:
    script = f"from benchmarks import chain\nfor _ in range({count}): chain.start()"
    subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, check=True, env={**os.environ, "BROKER_URL": broker_url}
    )


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
            base = yardstick(up.broker_url, processes, count // 4)
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
