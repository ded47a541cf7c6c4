"""The same sends through Notify and through a service in the plain way, on the same servers.

``python -m benchmarks.peers [--count 4000] [--connections 32] [--processes 2]``.
"""

import argparse
import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from urllib.parse import urlsplit

import psycopg
import requests
from rich.console import Console
from rich.table import Table

from benchmarks import yardstick
from benchmarks.running import Api, load, ours, prepare, process, wait_for
from notify.local.process import free_port
from notify.local.separate import Ready, separate_instance

_DATABASE = "plain"
_KEY = "plain"
_TABLES = """
from benchmarks.peers.plain import Base, Profile, Template, engine, session
Base.metadata.create_all(engine)
with session.begin() as db:
    db.add(Profile(user_id="bench-user", phone_number="+15552223333"))
    db.add(Template(id="bench", text="Hello {{name}}, your order {{order}} has shipped."))
"""


@dataclass(frozen=True)
class Result:
    """Messages per second to the last SENT, and milliseconds until an answer."""

    name: str
    per_s: float
    accept_p50_ms: float
    accept_p99_ms: float


@contextmanager
def _plain(up: Ready, provider_url: str, processes: int) -> Iterator[tuple[str, str]]:
    """The plain service over a database of its own; yields its URL and its database's."""
    with psycopg.connect(up.database_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {_DATABASE}".encode())
    url = urlsplit(up.database_url)._replace(path=f"/{_DATABASE}").geturl()
    port = free_port()
    environment = {
        "DATABASE_URL": url.replace("postgresql://", "postgresql+psycopg://"),
        "BROKER_URL": up.broker_url,
        "PROVIDER_URL": f"{provider_url}/2010-04-01/Accounts/AC1/Messages.json",
        "API_KEY": _KEY,
    }
    with process(sys.executable, "-c", _TABLES, **environment) as made:
        made.wait(60)
    serve = [sys.executable, "-m", "uvicorn", "benchmarks.peers.plain:api", "--port", str(port)]
    work = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "benchmarks.peers.plain",
        "worker",
        "-E",
        "-c",
        str(processes),
    ]
    with (
        process(*serve, "--log-level", "error", **environment),
        process(*work, "--loglevel", "error", "--without-gossip", "--without-mingle", **environment),
    ):
        wait_for(lambda: _answers(port), "the plain service's start")
        yield f"http://127.0.0.1:{port}", url


def _answers(port: int) -> bool:
    try:
        return requests.get(f"http://127.0.0.1:{port}/docs", timeout=5).ok
    except requests.RequestException:
        return False


def _run_plain(base_url: str, database_url: str, connections: int, count: int) -> Result:
    def unsent() -> int:
        with psycopg.connect(database_url) as connection:
            row = connection.execute("SELECT count(*) FROM message WHERE status <> 'SENT'").fetchone()
        assert row
        return int(row[0])

    load(base_url, _KEY, 8, 100)  # warm
    wait_for(lambda: not unsent(), "the plain service")
    begin = time.perf_counter()
    took = load(base_url, _KEY, connections, count)
    wait_for(lambda: not unsent(), "the plain service", every_s=0.1)
    return Result("the plain way", count / (time.perf_counter() - begin), took["p50_ms"], took["p99_ms"])


def run(count: int, connections: int, processes: int) -> tuple[float, list[Result]]:
    """Empty chains per second; and the results of both."""
    with ExitStack() as stack:
        up = stack.enter_context(separate_instance(NOTIFY_LOG_LEVEL="warning"))
        port = free_port()
        stack.enter_context(process(sys.executable, "-m", "benchmarks.provider", str(port)))
        provider_url, key = f"http://127.0.0.1:{port}", up.api_keys["production"]
        api = Api(up.base_url, key)
        prepare(api, provider_url)
        ours(api, up.base_url, key, 8, 200)  # warm
        rate, took = ours(api, up.base_url, key, connections, count)
        notify = Result("Notify", rate, took["p50_ms"], took["p99_ms"])
        chains = yardstick.rate(up.broker_url, processes, count // 4)
        with _plain(up, provider_url, processes) as (base_url, database_url):
            plain = _run_plain(base_url, database_url, connections, count)
        return chains, [notify, plain]


def show(chains_per_s: float, results: list[Result]) -> None:
    table = Table(title=f"The same sends both ways; empty three-task chains: {chains_per_s:.0f}/s")
    for column in ("", "messages/s", "chains", "accept p50 ms", "accept p99 ms"):
        table.add_column(column, justify="right" if column else "left")
    for r in results:
        ratio = f"{r.per_s / chains_per_s:.2f}"
        table.add_row(r.name, f"{r.per_s:.0f}", ratio, f"{r.accept_p50_ms:.1f}", f"{r.accept_p99_ms:.1f}")
    Console().print(table)
    print(
        json.dumps(
            {"chains_per_s": chains_per_s, "load": os.getloadavg(), "of": [asdict(r) for r in results]}
        )
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=4000, help="messages")
    parser.add_argument("--connections", type=int, default=32)
    parser.add_argument("--processes", type=int, default=2, help="worker processes of the others")
    given = parser.parse_args()
    show(*run(given.count, given.connections, given.processes))


if __name__ == "__main__":
    main()
