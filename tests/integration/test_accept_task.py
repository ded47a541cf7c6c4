"""The ``notify.accept`` task: what any Celery app on the broker hands over."""

import json
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from celery import Celery
from kombu import Exchange, Queue
from structlog.testing import capture_logs
from typer.testing import CliRunner

from notify import queue
from notify.cli import app as cli
from notify.local import process
from notify.manage import keys, strain
from notify.model.names import World
from notify.model.scopes import KeyScope
from notify.pipeline import retention
from notify.store import refusals as store_refusals
from tests import factories
from tests.acceptance.running import descendants, kill
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.stack import StartWorker, Worker
from workers.app import app

MESSAGE = factories.message()
WRONG = {"to": {"email": "secret@example.com"}}
TIMEOUT_S = 90
Send = Callable[..., str]


# --- what is taken, and what refused -------------------------------------------------------------


def run(**arguments: Any) -> tuple[str, list[Any]]:
    """The task's result in this process, and the log of its refusals."""
    with capture_logs() as log:
        app.loader.import_default_modules()
        result = app.tasks["notify.accept"].apply(kwargs=arguments, task_id="t-1").get()
    return result, [entry for entry in log if entry["event"] == "accept.refused"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"message": WRONG}, "exactly one of 'template' and 'content'"),
        ({"message": MESSAGE, "world": "moon"}, "is not a valid World"),
        ({"message": MESSAGE, "mode": "loud"}, "is not a valid Mode"),
        ({"message": MESSAGE, "messages": [MESSAGE]}, "exactly one of 'message' and 'messages'"),
        ({}, "exactly one of 'message' and 'messages'"),
        ({"messages": []}, "a list of 1 to 1000"),
        ({"message": MESSAGE, "idempotency_key": 7}, "idempotency_key: must be text"),
        ({"message": "hello"}, "message: Input should be an object"),
    ],
)
def test_a_refusal_is_in_the_log_and_no_error(
    pipeline: Pipeline, database: Database, arguments: dict[str, Any], said: str
) -> None:
    _, (refused,) = run(**arguments)
    assert (refused["type"], refused["log_level"]) == ("invalid_request_error", "warning")
    assert said in refused["message"]
    assert database.count("message") == 0


def test_of_several_each_is_stored_or_refused_by_itself(pipeline: Pipeline, database: Database) -> None:
    for _ in range(2):
        result, (refused,) = run(messages=[MESSAGE, WRONG, MESSAGE])
        assert (result, refused["key"]) == ("2 accepted, 1 refused", "t-1/1")
    assert database.count("message") == 2


def test_world_and_mode_are_named(pipeline: Pipeline, sandbox: Api, api: Api, configured: Configure) -> None:
    run(message=MESSAGE, mode="mock")
    configured(world="production")
    run(message=MESSAGE)
    pipeline.drain()
    assert [one["status"] for one in sandbox.messages()] == ["SIMULATED"]
    assert [one["status"] for one in api.messages()] == ["UNROUTABLE"]


def test_a_key_is_that_of_the_api(pipeline: Pipeline, sandbox: Api, database: Database) -> None:
    sandbox.accepted(sandbox.post("/send", {"message": MESSAGE}, idempotency_key="k"))
    assert run(message=MESSAGE, idempotency_key="k")[0] == "1 accepted, 0 refused"
    assert database.count("message") == 1


def test_refusals_are_told_to_operators_without_what_was_in_them(
    pipeline: Pipeline, api: Api, sandbox: Api, configured: Configure, tmp_path: Path
) -> None:
    run(messages=[MESSAGE, WRONG, MESSAGE], idempotency_key="of ada@example.com")
    run(message=MESSAGE, world="moon")
    answer = sandbox.get("/refusals").json()
    unknown, wrong = answer["results"]
    assert (wrong["taskId"], wrong["place"], wrong["type"]) == ("t-1", 1, "invalid_request_error")
    assert "exactly one of 'template' and 'content'" in wrong["message"]
    assert "place" not in unknown
    assert "example.com" not in json.dumps(answer)
    # Of which world the other one was nobody knows.
    assert [one["refusalId"] for one in api.get("/refusals").json()["results"]] == [unknown["refusalId"]]
    for command, said in (
        ("refusals", "exactly one of"),
        ("status --once", "2 messages of Celery tasks refused"),
    ):
        shown = CliRunner().invoke(cli, [*command.split(), "--data-dir", str(tmp_path)])
        assert said in " ".join(shown.output.split()), shown.output


def test_refusals_are_an_operators_to_read_and_are_not_kept_for_ever(
    pipeline: Pipeline, sandbox: Api, database: Database, time: Time, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store_refusals, "KEPT", 3)
    for _ in range(5):
        run(message=WRONG)
    assert database.count("refusal") == 3
    producers = Api(sandbox.base_url, keys.create(World.TEST, "shop", scopes=[KeyScope.SEND, KeyScope.READ]))
    assert producers.get("/refusals").status_code == 403
    time.passes(seconds=400 * 24 * 3600)
    retention.run()
    assert database.count("refusal") == 0


def test_the_door_can_be_closed(pipeline: Pipeline, database: Database, configured: Configure) -> None:
    configured(accept_tasks="false")
    _, (refused,) = run(message=MESSAGE)
    assert "NOTIFY_ACCEPT_TASKS" in refused["message"]
    assert database.count("message") == 0


# --- with a broker and a worker ------------------------------------------------------------------


@pytest.fixture
def shop(environment: dict[str, str]) -> Iterator[Celery]:
    """Somebody else's app, which knows the broker and nothing of Notify."""
    app = Celery("shop", broker=environment["BROKER_URL"], set_as_current=False)
    yield app
    app.close()


@pytest.fixture
def send(shop: Celery) -> Send:
    def send(id_: str | None = None, **arguments: Any) -> str:
        return str(shop.send_task("notify.accept", kwargs=arguments, queue="accept", task_id=id_).id)

    return send


@pytest.fixture
def worker(start_worker: StartWorker, configured: Configure) -> Worker:
    return start_worker(queue.ACCEPT, "render", "route", "deliver.email")


def _logged(worker: Worker, name: str, count: int) -> list[dict[str, Any]]:
    def found() -> list[dict[str, Any]]:
        lines = (line for line in worker.log.read_text().splitlines() if line.startswith("{"))
        return [entry for entry in map(json.loads, lines) if entry.get("event") == name]

    assert process.wait_until(lambda: len(found()) >= count, TIMEOUT_S), worker.log.read_text()
    return found()


def test_tasks_become_messages_and_logs_show_nothing_of_them(
    send: Send, shop: Celery, worker: Worker, base_url: str
) -> None:
    api = Api(base_url, keys.create(World.TEST, "tests"))
    send(message=MESSAGE)
    send(message=WRONG)
    own = Queue("accept", Exchange(""), routing_key="accept", no_declare=True)
    shop.send_task("notify.accept", args=[MESSAGE], queue=own)
    _logged(worker, "accept.refused", 1)
    assert process.wait_until(lambda: _statuses(api) == ["SENT"] * 2, TIMEOUT_S), worker.log.read_text()
    for secret in ("secret@example.com", factories.ADA, "It works."):
        assert secret not in worker.log.read_text()


def test_while_too_much_is_under_way_a_task_waits_and_is_not_refused(
    send: Send, start_worker: StartWorker, database: Database, configured: Configure
) -> None:
    database(
        "INSERT INTO work (id, message_id, world, stage, lane, due_at)"
        " SELECT gen_random_uuid(), gen_random_uuid(), 'production', 'render', 'bulk',"
        " now() + interval '1 hour' FROM generate_series(1, 2500)"
    )
    assert process.wait_until(lambda: strain.read().unfinished > 2000, TIMEOUT_S)
    worker = start_worker(queue.ACCEPT, NOTIFY_SHED_BACKLOG="1000", NOTIFY_SHED_CALM_S="0.5")
    many = {**MESSAGE, "to": [{"user_id": f"user-{number}"} for number in range(60)]}
    send(message=many, world="production")
    send(message=MESSAGE, world="test")
    send(message=MESSAGE, world="production")
    _logged(worker, "notify.accept.done", 1)
    _logged(worker, "admission.changed", 1)
    assert database.count("work") == 2501
    database("DELETE FROM work")
    assert process.wait_until(lambda: database.count("work") == 2, TIMEOUT_S), worker.log.read_text()
    assert database.count("refusal") == 0


def _statuses(api: Api) -> list[str]:
    return [one["status"] for one in api.messages()]


def test_a_task_delivered_again_is_one_message(send: Send, worker: Worker, database: Database) -> None:
    id_ = str(uuid.uuid4())
    for _ in range(3):
        send(id_, message=MESSAGE)
    for _ in range(2):
        send(message=MESSAGE, idempotency_key="k")
    _logged(worker, "notify.accept.done", 5)
    assert database.count("message") == 2


def test_what_the_database_cannot_take_waits_for_it(
    send: Send, worker: Worker, database: Database, environment: dict[str, str]
) -> None:
    broker = redis.Redis.from_url(environment["BROKER_URL"])
    with database.away():
        send(message=MESSAGE)
        tried = lambda: any(b'"retries": 1' in held for held in broker.hvals("unacked"))  # noqa: E731
        assert process.wait_until(tried, TIMEOUT_S), worker.log.read_text()
    assert process.wait_until(lambda: database.count("message") == 1, TIMEOUT_S), worker.log.read_text()


def test_a_pool_process_that_dies_does_not_take_the_message_along(
    send: Send, start_worker: StartWorker, configured: Configure, database: Database
) -> None:
    worker = start_worker(queue.ACCEPT, queue.MAINTENANCE, concurrency=1)
    lock = database.connect()
    lock.execute("LOCK TABLE request IN ACCESS EXCLUSIVE MODE")
    send(message=MESSAGE)
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = %s"
    assert process.wait_until(lambda: database.one(waiting, database.name) == 1, TIMEOUT_S)
    kill(*descendants(worker.pid))
    lock.rollback()
    lock.close()
    assert process.wait_until(lambda: database.count("message") == 1, TIMEOUT_S), worker.log.read_text()
