"""Overload: what is behind the API cannot keep up; it refuses in time, broadcasts first, and recovers."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from notify.local import process
from notify.manage import keys
from notify.model.names import World
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database
from tests.stack import program

TOKEN = "a-token-for-the-metrics"
TOUCHY = {
    "NOTIFY_SHED_QUEUE_S": "60",
    "NOTIFY_SHED_BACKLOG": "1000",
    "NOTIFY_SHED_CALM_S": "0.5",
    "NOTIFY_ACCEPT_TIMEOUT_S": "2",
    "NOTIFY_REQUEST_TIMEOUT_S": "4",
    "NOTIFY_METRICS_TOKEN": TOKEN,
}
PATIENCE_S = 90
MANY = [{"user_id": f"user-{number}"} for number in range(60)]
REFUSED = (503, "service_unavailable")


@pytest.fixture
def url(
    environment: dict[str, str], configured: Configure, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[str]:
    """An API process that is easily pressed. Nobody takes what it publishes.

    The parameter is what the database may take; unless it matters, any busy machine's does.
    """
    patient_s = getattr(request, "param", 30.0)
    port = process.free_port()
    command = ["uvicorn", "--factory", "notify.api.app:create_app", "--port", str(port)]
    log = tmp_path / "api.log"
    settings = {**environment, **TOUCHY, "NOTIFY_SHED_DATABASE_S": str(patient_s)}
    with program(settings, log, *command):
        base = f"http://127.0.0.1:{port}"
        assert process.wait_until(lambda: _answers(base), PATIENCE_S), log.read_text()
        yield base
        assert " 500 " not in log.read_text()


def _answers(base: str) -> bool:
    try:
        return requests.get(f"{base}/health/ready", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture
def api(url: str) -> Api:
    return Api(url, keys.create(World.PRODUCTION, "tests"))


@pytest.fixture
def sandbox(url: str) -> Api:
    return Api(url, keys.create(World.TEST, "tests"))


def _send(api: Api, **fields: Any) -> requests.Response:
    return api.post("/send", {"message": factories.message(**fields)})


def _until(ask: Callable[[], requests.Response], *statuses: int) -> requests.Response:
    """Call until an answer has one of these statuses; return that answer."""
    seen: list[requests.Response] = []

    def look() -> bool:
        seen.append(ask())
        return seen[-1].status_code in statuses

    assert process.wait_until(look, PATIENCE_S, every_s=0.05), Counter(one.status_code for one in seen)
    assert {one.status_code for one in seen} <= {202, 503}
    return seen[-1]


def _shed(api: Api) -> dict[str, float]:
    """How many calls were refused, by kind, as ``/metrics`` has it."""
    headers = {"Authorization": f"Bearer {TOKEN}"}
    lines = requests.get(f"{api.base_url}/metrics", headers=headers, timeout=10).text.splitlines()
    found = [line.partition("{kind=")[2] for line in lines if line.startswith("notify_shed_total{")]
    return {line.split('"')[1]: float(line.split()[-1]) for line in found}


@contextmanager
def _slow(database: Database) -> Iterator[None]:
    """Nothing can be written to the work table inside the block."""
    with database.connect() as other:
        other.execute("LOCK TABLE work IN EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize("url", [0.5], indirect=True)
def test_a_database_that_cannot_store_refuses_all_in_time_and_recovers(
    api: Api, sandbox: Api, database: Database
) -> None:
    for let_in in (lambda: _send(api), lambda: _send(sandbox), lambda: _send(api, to=MANY)):
        _until(let_in, 202)
    with _slow(database):
        with ThreadPoolExecutor(12) as callers:
            kinds = [(api, {}), (api, {"to": MANY}), (sandbox, {})]
            first = list(callers.map(lambda n: _send(kinds[n % 3][0], **kinds[n % 3][1]), range(48)))
        assert {(one.status_code, one.json()["type"]) for one in first} == {REFUSED}
        assert all(int(one.headers["retry-after"]) > 0 for one in first)
        at_once = "Too much is under way at the moment; nothing was stored."
        assert process.wait_until(lambda: _send(api).json().get("message") == at_once, PATIENCE_S)
        assert api.get("/messages").status_code == 200
    _until(lambda: _send(api), 202)
    # Whoever is let in last, is in again all the same.
    _until(lambda: _send(api, to=MANY), 202)
    assert _send(sandbox).status_code == 202
    shed = _shed(api)
    assert shed["many"] > 0
    assert shed["all"] > 0


def test_late_queues_refuse_broadcasts_only(api: Api, sandbox: Api, database: Database) -> None:
    api.put("/lists/everybody", {"name": "Everybody"})
    job = api.post("/bulk", {"message": {"content": {"title": "Hello", "body": "There"}}}).json()["jobId"]
    _send(api)
    database("UPDATE work SET due_at = now() - interval '10 minutes'")
    refused = _until(lambda: _send(api, to={"list_id": "everybody"}), 503)
    assert refused.json()["message"].startswith("Too much is under way for sends to many")
    assert _send(api, to=MANY).status_code == api.post(f"/bulk/{job}/run").status_code == 503
    for let_in in (lambda: _send(api), lambda: _send(api, to=MANY[:2]), lambda: _send(sandbox)):
        _until(let_in, 202)
    database("DELETE FROM work")
    _until(lambda: _send(api, to={"list_id": "everybody"}), 202)
    assert set(_shed(api)) == {"many"}


def test_retries_are_refused_like_the_sends_they_are(api: Api, sandbox: Api, database: Database) -> None:
    database(
        "INSERT INTO work (id, message_id, world, stage, lane, due_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), 'production', 'render', 'bulk',"
        " now() + interval '1 hour' FROM generate_series(1, 2500)"
    )
    _until(lambda: _send(sandbox), 503)
    for who, body in ((api, {}), (sandbox, {}), (sandbox, {"message": "1-0"})):
        refused = who.post("/retries", body)
        assert (refused.status_code, refused.json()["type"]) == REFUSED
        assert int(refused.headers["retry-after"]) > 0
    assert api.post("/retries", {"dryRun": True}).status_code == 200
    assert api.post("/retries", {"message": "1-0"}).status_code == 404
    database("DELETE FROM work")
    assert process.wait_until(lambda: api.post("/retries", {}).status_code == 200, PATIENCE_S)


def test_a_mountain_of_work_refuses_the_test_world_before_the_other(
    api: Api, sandbox: Api, database: Database
) -> None:
    database(
        "INSERT INTO work (id, message_id, world, stage, lane, due_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), 'production', 'render', 'bulk',"
        " now() + interval '1 hour' FROM generate_series(1, 2500)"
    )
    _until(lambda: _send(sandbox), 503)
    assert _send(api).status_code == 202
    assert _send(api, to=MANY).status_code == 503
    database("DELETE FROM work")
    _until(lambda: _send(sandbox), 202)
    _until(lambda: _send(api, to=MANY), 202)
