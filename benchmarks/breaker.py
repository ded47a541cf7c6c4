"""An outage: the first provider answers 500 to everything, a second one is healthy; when is all SENT?

``python -m benchmarks.breaker [--count 200] [--concurrency 1]``, with the circuit breaker and without.
"""

import argparse
import json
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from statistics import median

import psycopg
from rich.console import Console
from rich.table import Table

from benchmarks.running import Api
from notify.local.lab import HttpLab, MailLab, Reply
from notify.local.separate import separate_instance

_SENDER = "bench@example.com"
_LIMIT_S = 30.0
_LATENCIES = (
    "SELECT extract(epoch FROM sent_at - enqueued_at) FROM message WHERE sent_at IS NOT NULL ORDER BY 1"
)


@dataclass(frozen=True)
class Result:
    """Seconds. ``calls_to_first``: how often the provider that is down was called."""

    breaker: bool
    count: int
    sent: int
    median_s: float
    last_s: float
    calls_to_first: int


def run(count: int, concurrency: int, *, breaker: bool) -> Result:
    """Send ``count`` messages at once; wait for the last one, or ``_LIMIT_S``."""
    with ExitStack() as stack:
        environment = {} if breaker else {"NOTIFY_BREAKER_THRESHOLD": "0"}
        options = ("--concurrency", str(concurrency))
        up = stack.enter_context(separate_instance(*options, **environment))
        down = stack.enter_context(HttpLab(lambda request: Reply(status=500)))
        mail = stack.enter_context(MailLab())
        api = Api(up.base_url, up.api_keys["production"])
        _configure(api, down, mail)
        begin = time.monotonic()
        with ThreadPoolExecutor(16) as senders:
            list(senders.map(lambda number: _send(api, number), range(count)))
        while api.unfinished() and time.monotonic() - begin < _LIMIT_S:
            time.sleep(0.05)
        with psycopg.connect(up.database_url) as connection:
            latencies = [float(row[0]) for row in connection.execute(_LATENCIES)]
        return Result(
            breaker, count, len(latencies), median(latencies or [0]), max(latencies, default=0), down.count
        )


def _configure(api: Api, down: HttpLab, mail: MailLab) -> None:
    first = {"api_key": "SG.bench", "from_address": _SENDER, "base_url": down.url}
    second = {"host": mail.host, "port": mail.port, "security": "none", "from_address": _SENDER}
    api.call("POST", "/providers", provider="sendgrid", settings=first)
    api.call("POST", "/providers", provider="smtp", settings=second)


def _send(api: Api, number: int) -> None:
    to = {"email": f"user-{number}@example.com"}
    api.call("POST", "/send", message={"to": to, "content": {"title": "Hello", "body": "It works."}})


def show(results: Sequence[Result]) -> None:
    table = Table(title="The first provider answers 500 to everything, the second one is healthy")
    for column in ("breaker", "messages", "SENT", "median s", "last s", "calls to the first"):
        table.add_column(column, justify="right")
    for r in results:
        sent = str(r.sent) if r.sent == r.count else f"{r.sent} in {_LIMIT_S:.0f} s"
        table.add_row(
            "on" if r.breaker else "off", str(r.count), sent, f"{r.median_s:.2f}", f"{r.last_s:.2f}",
            str(r.calls_to_first),
        )  # fmt: skip
    Console().print(table)
    print(json.dumps([asdict(result) for result in results]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=200, help="messages sent at once")
    parser.add_argument("--concurrency", type=int, default=1, help="processes of each worker")
    given = parser.parse_args()
    show([run(given.count, given.concurrency, breaker=breaker) for breaker in (True, False)])


if __name__ == "__main__":
    main()
