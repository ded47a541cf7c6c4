"""An instance under load: its API, the load generator, the CPU time of its processes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import requests

ROOT = Path(__file__).parent.parent
_DEADLINE_S = 120
_RECIPIENTS = """
INSERT INTO recipient_list (world, id, name) VALUES ('production', %(list)s, %(list)s);
INSERT INTO profile (world, user_id, profile)
SELECT 'production', 'cast-' || i, jsonb_build_object('phone_number', '+1555' || lpad(i::text, 7, '0'))
FROM generate_series(1, %(count)s) AS i;
INSERT INTO list_subscription (world, list_id, user_id)
SELECT 'production', %(list)s, 'cast-' || i FROM generate_series(1, %(count)s) AS i;
"""


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
    """A template with data and a topic, a stored profile with a preference, one HTTP provider."""
    settings = {
        "account_sid": "AC1",
        "auth_token": "token",
        "from_number": "+15550001111",
        "base_url": provider_url,
    }
    api.call("POST", "/providers", provider="twilio", settings=settings)
    api.call("PUT", "/profiles/bench-user", profile={"phone_number": "+15552223333", "locale": "en"})
    section = api.call("POST", "/preferences/sections", name="Orders")["id"]
    topics = f"/preferences/sections/{section}/topics"
    topic = api.call("POST", topics, name="Shipping", default_status="OPTED_IN")["id"]
    chosen = f"/users/bench-user/preferences/{topic}"
    api.call("PUT", chosen, topic={"status": "OPTED_IN", "has_custom_routing": False})
    channel = {
        "type": "channel",
        "channel": "sms",
        "elements": [{"type": "text", "content": "Hello {{name}}, your order {{order}} has shipped."}],
    }
    notification = {
        "name": "bench", "alias": "bench", "tags": [], "brand": None, "subscription": {"topic_id": topic},
        "routing": None,
        "content": {"version": "2022-01-01", "elements": [channel]},
    }  # fmt: skip
    api.call("POST", "/notifications", notification=notification, state="PUBLISHED")


def fill_list(database_url: str, list_id: str, count: int) -> None:
    """A list with so many subscribers, each with a telephone number of its own: `+1555` and seven digits."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        for statement in _RECIPIENTS.strip().split(";\n"):
            connection.execute(statement.strip(";").encode(), {"count": count, "list": list_id})
        connection.execute("VACUUM ANALYZE profile, list_subscription")


def load(base_url: str, key: str, connections: int, count: int) -> dict[str, float]:
    """Send ``count`` messages over so many connections; the latencies of the answers."""
    command = [sys.executable, "-m", "benchmarks.load", base_url, key, str(connections), str(count)]
    output = subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout
    found: dict[str, float] = json.loads(output)
    return found


def ours(api: Api, base_url: str, key: str, connections: int, count: int) -> tuple[float, dict[str, float]]:
    """Messages per second from the first request to the last SENT, and the latencies of the answers."""
    begin = time.perf_counter()
    latencies = load(base_url, key, connections, count)
    wait_for(lambda: not api.unfinished(), "the last message")
    rate = count / (time.perf_counter() - begin)
    if api.failed():
        raise SystemExit("some messages were not sent")
    return rate, latencies


def cpu_s(pids: dict[str, int]) -> dict[str, float]:
    """Seconds of CPU each process has used so far, with its children, those that have ended included."""
    used = {}
    for name, pid in pids.items():
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        used[name] = sum(sum(one.cpu_times()[:4]) for one in family)
    return used
