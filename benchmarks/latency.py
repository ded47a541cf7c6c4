"""One message at a time: when is it accepted, and when does its provider hear of it?

``python -m benchmarks.latency [--count 200] [--broadcast 20000]``. The yardstick is an empty chain of three
Celery tasks, one at a time on the same broker: what counts are the ratios to its median. With ``--broadcast``
the same is measured again while a list of so many is sent to.
"""

import argparse
import json
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass

import requests
from rich.console import Console
from rich.table import Table

from benchmarks import yardstick
from benchmarks.load import BODY
from benchmarks.running import Api, fill_list, prepare, wait_for
from notify.local.lab import HttpLab, Reply, Request
from notify.local.separate import separate_instance

_PAUSE_S = 0.02
_ARRIVAL_S = 120
_MINE = "%2B15552223333"
"""The recipient of `benchmarks.load.BODY`, as a form has it."""
_ANSWER = Reply.json({"sid": "SM" + "0" * 32, "status": "queued"}, 201)


@dataclass(frozen=True)
class Measured:
    """Milliseconds from before the request: to its answer, and to the provider's call."""

    accept_p50: float
    accept_p99: float
    provider_p50: float
    provider_p99: float


@dataclass(frozen=True)
class Result:
    chain_p50: float
    chain_p99: float
    idle: Measured
    busy: Measured | None


class Arrivals:
    """A provider that answers at once and tells when it was called for the one who waits."""

    def __init__(self) -> None:
        self._called = threading.Event()
        self._at = 0.0

    def handle(self, request: Request) -> Reply:
        if _MINE.encode() in request.body:
            self._at = time.perf_counter()
            self._called.set()
        return _ANSWER

    def wait(self) -> float:
        """When the call came."""
        if not self._called.wait(_ARRIVAL_S):
            raise SystemExit(f"no call within {_ARRIVAL_S} s")
        self._called.clear()
        return self._at


def measure(base_url: str, key: str, arrivals: Arrivals, count: int) -> Measured:
    """Send ``count`` messages, each after the last has arrived."""
    session = requests.Session()
    session.headers["authorization"] = f"Bearer {key}"
    accepted, arrived = [], []
    for _ in range(count):
        begin = time.perf_counter()
        session.post(f"{base_url}/send", json=BODY, timeout=_ARRIVAL_S).raise_for_status()
        accepted.append((time.perf_counter() - begin) * 1000)
        arrived.append((arrivals.wait() - begin) * 1000)
        time.sleep(_PAUSE_S)
    return Measured(*_percentiles(accepted), *_percentiles(arrived))


def _percentiles(took: list[float]) -> tuple[float, float]:
    took.sort()
    return took[len(took) // 2], took[int(len(took) * 0.99)]


@contextmanager
def _broadcast(api: Api, database_url: str, recipients: int) -> Iterator[None]:
    """It goes on while the block runs."""
    fill_list(database_url, "everybody", recipients)
    message = {**BODY["message"], "to": {"list_id": "everybody"}}
    api.call("POST", "/send", message=message)
    wait_for(lambda: api.call("GET", "/messages?list=everybody&status=SENT")["results"], "the broadcast")
    yield
    if not api.unfinished():
        raise SystemExit("the broadcast ended before the measurement: give it more recipients")


def run(count: int, recipients: int) -> Result:
    with ExitStack() as stack:
        up = stack.enter_context(separate_instance(NOTIFY_LOG_LEVEL="warning"))
        arrivals = Arrivals()
        provider = stack.enter_context(HttpLab(arrivals.handle))
        key = up.api_keys["production"]
        api = Api(up.base_url, key)
        prepare(api, provider.url)
        measure(up.base_url, key, arrivals, 30)  # warm
        chain = _percentiles(yardstick.latencies_ms(up.broker_url, 2, count))
        idle, busy = measure(up.base_url, key, arrivals, count), None
        if recipients:
            with _broadcast(api, up.database_url, recipients):
                busy = measure(up.base_url, key, arrivals, count)
        return Result(*chain, idle, busy)


def show(result: Result) -> None:
    table = Table(title=f"One message at a time; an empty chain takes {result.chain_p50:.1f} ms (p50)")
    for column in ("", "p50 ms", "p99 ms", "p50 ratio", "p99 ratio"):
        table.add_column(column, justify="right" if column else "left")
    table.add_row("an empty chain", *_cells(result.chain_p50, result.chain_p99, result))
    for name, one in (("idle", result.idle), ("during a broadcast", result.busy)):
        if one:
            table.add_row(f"accepted, {name}", *_cells(one.accept_p50, one.accept_p99, result))
            table.add_row(f"at the provider, {name}", *_cells(one.provider_p50, one.provider_p99, result))
    Console().print(table)
    print(json.dumps(asdict(result)))


def _cells(p50: float, p99: float, result: Result) -> tuple[str, ...]:
    ratios = p50 / result.chain_p50, p99 / result.chain_p99
    return f"{p50:.1f}", f"{p99:.1f}", *(f"{ratio:.2f}" for ratio in ratios)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="messages, one after the other")
    parser.add_argument(
        "--broadcast", type=int, default=0, metavar="RECIPIENTS", help="measured during one, too"
    )
    given = parser.parse_args()
    show(run(given.count, given.broadcast))


if __name__ == "__main__":
    main()
