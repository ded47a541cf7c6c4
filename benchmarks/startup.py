"""How long it takes until a process works: ``python -m benchmarks.startup``.

Beside ``notify up`` (with a database to be made) a worker and an API process are started cold, as the
Procfile has them. The yardstick is a worker of an empty Celery app on the same broker: what counts are the
ratios.
"""

import argparse
import base64
import json
import secrets
import statistics
import sys
import time
from collections.abc import Callable, Mapping

import requests
from celery import Celery
from rich.console import Console
from rich.table import Table

from benchmarks.running import cpu_s, process, wait_for
from notify.local.process import free_port
from notify.local.separate import Ready, separate_instance

_WORKER = ("-c", "1", "-E", "--without-gossip", "--without-mingle", "--loglevel", "error")
_HOST = "127.0.0.1"
Took = tuple[float, float | None]
"""Seconds until it works, and seconds of CPU until then, where only it was started."""


def _start(command: list[str], environment: Mapping[str, str], works: Callable[[], object]) -> Took:
    begin = time.monotonic()
    with process(sys.executable, "-m", *command, **environment) as child:
        wait_for(works, command[0], every_s=0.05)
        took = time.monotonic() - begin
        return took, cpu_s({"it": child.pid})["it"]


def _worker(app: str, name: str, broker_url: str, *options: str, **environment: str) -> Took:
    asker = Celery(broker=broker_url)
    node = f"{name}-{secrets.token_hex(4)}@here"

    def works() -> object:
        return asker.control.ping(destination=[node], timeout=0.2)

    return _start(["celery", "-A", app, "worker", "-n", node, *_WORKER, *options], environment, works)


def _api(environment: Mapping[str, str]) -> Took:
    port = free_port()

    def works() -> bool:
        try:
            return requests.get(f"http://{_HOST}:{port}/health/ready", timeout=5).ok
        except requests.ConnectionError:
            return False

    command = ["uvicorn", "--factory", "notify.api.app:create_app", "--host", _HOST, "--port", str(port)]
    return _start([*command, "--log-level", "error"], environment, works)


def _once(up: Ready) -> dict[str, Took]:
    environment = {
        "NOTIFY_DATABASE_URL": up.database_url,
        "NOTIFY_BROKER_URL": up.broker_url,
        "NOTIFY_ENCRYPTION_KEY": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
    }
    url = up.broker_url
    return {
        "an empty Celery worker": _worker("benchmarks.chain", "empty", url, BROKER_URL=url),
        "worker-pipeline": _worker("workers.app", "ours", url, "-Q", "route", **environment),
        "api": _api(environment),
    }


def run(times: int) -> dict[str, Took]:
    """Medians, by what is started; ``notify up`` once."""
    begin = time.monotonic()
    with separate_instance() as up:
        whole = time.monotonic() - begin
        rounds = [_once(up) for _ in range(times)]
    took: dict[str, Took] = {
        name: tuple(map(statistics.median, zip(*(each[name] for each in rounds), strict=True)))
        for name in rounds[0]
    }
    return took | {"notify up, all of it, with a new database": (whole, None)}


def show(took: Mapping[str, Took]) -> None:
    empty_s, empty_cpu_s = next(iter(took.values()))
    table = Table(title="Until it works")
    for column in ("", "s", "ratio", "CPU s", "CPU ratio"):
        table.add_column(column, justify="right" if column else "left")
    for name, (wall, cpu) in took.items():
        used = (f"{cpu:.1f}", f"{cpu / empty_cpu_s:.1f}") if cpu and empty_cpu_s else ("", "")
        table.add_row(name, f"{wall:.1f}", f"{wall / empty_s:.1f}", *used)
    Console().print(table)
    print(json.dumps({name: wall for name, (wall, _) in took.items()}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=3, help="starts of each, of which the median is shown")
    show(run(parser.parse_args().times))


if __name__ == "__main__":
    main()
