"""``GET /messages`` over a large history: the median answer for each filter, over HTTP.

``python -m benchmarks.messages_list [--count 2000000] [--repeat 15] [--plans]``. The yardstick is reading one
message by its id, through the same door in the same run; what counts is the ratio. ``--plans`` prints how
PostgreSQL goes about each filter.
"""

import argparse
import base64
import json
import os
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import psycopg
import requests
import uvicorn
from rich.console import Console
from rich.table import Table
from sqlalchemy import event

from benchmarks import old_messages
from notify import clock, ids
from notify.api.app import create_app
from notify.local import embedded, process
from notify.manage import keys
from notify.model.names import World
from notify.store import db

FILTERS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "status=SENT": {"status": "SENT"},
    "status=DELIVERED (most)": {"status": "DELIVERED"},
    "status=UNDELIVERABLE (1 %)": {"status": "UNDELIVERABLE"},
    "status=THROTTLED (few, long ago)": {"status": "THROTTLED"},
    "status=ENQUEUED,ROUTED (few)": {"status": "ENQUEUED,ROUTED"},
    "status=DIGESTED (none)": {"status": "DIGESTED"},
    "status: five of them": {"status": "UNDELIVERABLE,UNROUTABLE,UNMAPPED,CANCELED,SENT"},
    "recipient": {"recipient": "user-17"},
    "recipient and status": {"recipient": "user-17", "status": "SENT,UNDELIVERABLE"},
    "provider (most)": {"provider": "sendgrid"},
    "provider (few, long ago)": {"provider": "postmark"},
    "provider (none)": {"provider": "pigeon"},
    "provider: two of them": {"provider": ["postmark", "slack"]},
    "recipient and provider": {"recipient": "user-17", "provider": "sendgrid"},
    "provider and status": {"provider": "slack", "status": "UNDELIVERABLE"},
    "tags (many)": {"tags": "news"},
    "tags (few, long ago)": {"tags": "launch,nonesuch"},
    "tag: both": {"tag": ["news", "spring"]},
    "tag (1 in 200)": {"tag": "half"},
    "tag (none)": {"tag": "nonesuch"},
    "traceId": {"traceId": "trace-100021"},
    "traceId (none)": {"traceId": "nonesuch"},
    "traceId=request id": {"traceId": "$request"},
    "list (many)": {"list": "list-1"},
    "list (few, long ago)": {"list": "founders"},
    "event (many)": {"event": "template-1"},
    "event (few, long ago)": {"event": "first-launch"},
    "notification (many)": {"notification": "template-1"},
    "notification (few, long ago)": {"notification": "first-launch"},
    "tenant_id": {"tenant_id": "tenant-5"},
    "messageId": {"messageId": "$message"},
    "enqueued_after (10 min)": {"enqueued_after": "$recently"},
    "archived": {"archived": "true"},
}  # fmt: skip


@contextmanager
def database(count: int) -> Iterator[str]:
    """A fresh database with ``count`` messages; this process is set up to use it."""
    with (
        tempfile.TemporaryDirectory(prefix="notify-bench-") as folder,
        embedded.running_postgres(Path(folder)) as url,
    ):
        secret = base64.urlsafe_b64encode(os.urandom(32)).decode()
        os.environ |= {"DATABASE_URL": url, "BROKER_URL": "redis://-", "NOTIFY_ENCRYPTION_KEY": secret}
        db.migrate(url)
        old_messages.load(url, count)
        yield url
        db.engine().dispose()


@contextmanager
def api() -> Iterator[str]:
    """The API, in a thread; yields its base URL."""
    server = uvicorn.Server(uvicorn.Config(create_app(), port=0, log_config=None, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    process.wait_until(lambda: server.started, timeout_s=30)
    yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def filled(filters: Mapping[str, Any], url: str) -> dict[str, Any]:
    """``$...`` replaced by what is in the database."""
    with psycopg.connect(url) as connection:
        row = connection.execute(
            "SELECT id, request_id FROM message ORDER BY id LIMIT 1 OFFSET 1009"
        ).fetchone()
    assert row
    recently = str(clock.to_ms(clock.now() - timedelta(minutes=10)))
    values = {"$message": ids.to_wire(row[0]), "$request": ids.to_wire(row[1]), "$recently": recently}
    return {k: values.get(v, v) if isinstance(v, str) else v for k, v in filters.items()}


def median_ms(
    session: requests.Session, url: str, parameters: Mapping[str, Any], repeat: int
) -> tuple[float, int]:
    """The median time of an answer, and how many messages are on the page."""
    times = []
    for _ in range(repeat + 1):
        begin = time.perf_counter()
        answer = session.get(url, params=parameters, timeout=120)
        times.append((time.perf_counter() - begin) * 1000)
        answer.raise_for_status()
    return statistics.median(times[1:]), len(answer.json().get("results", ()))


def show_plans(wanted: bool) -> None:
    """Explain each list query as it is made."""
    if not wanted:
        return

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if "ORDER BY id DESC" in statement:
            own = connection.connection.cursor()
            own.execute(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}", parameters)
            print("\n".join(row[0] for row in own.fetchall() if "never executed" not in row[0]), flush=True)

    event.listen(db.engine(), "before_cursor_execute", explain)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2_000_000, help="messages in the table")
    parser.add_argument("--repeat", type=int, default=15, help="calls per filter")
    parser.add_argument("--plans", action="store_true", help="print the plans")
    given = parser.parse_args()
    with database(given.count) as url, api() as base:
        session = requests.Session()
        session.headers["authorization"] = f"Bearer {keys.create(World.PRODUCTION, 'bench')}"
        message_id = filled({"id": "$message"}, url)["id"]
        yardstick, _ = median_ms(session, f"{base}/messages/{message_id}", {}, 100)
        show_plans(given.plans)
        found: dict[str, tuple[float, int]] = {}
        for name, filters in FILTERS.items():
            if given.plans:
                print(f"\n--- {name}")
            repeat = 0 if given.plans else given.repeat
            found[name] = median_ms(session, f"{base}/messages", filled(filters, url), repeat or 1)
    show(found, yardstick, given.count)


def show(found: Mapping[str, tuple[float, int]], yardstick: float, count: int) -> None:
    table = Table(title=f"GET /messages among {count:,}; one message by its id: {yardstick:.1f} ms")
    for column in ("filter", "on the page", "median ms", "ratio"):
        table.add_column(column, justify="left" if column == "filter" else "right")
    for name, (ms, rows) in found.items():
        table.add_row(name, str(rows), f"{ms:.1f}", f"{ms / yardstick:.1f}")
    Console().print(table)
    ratios = {name: round(ms / yardstick, 2) for name, (ms, _) in found.items()}
    worst = max(found.values())[0]
    print(
        json.dumps(
            {
                "count": count,
                "yardstick_ms": round(yardstick, 2),
                "worst_ms": round(worst, 1),
                "ratios": ratios,
            }
        )
    )


if __name__ == "__main__":
    main()
