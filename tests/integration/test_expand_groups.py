"""expand, for lists and the like: in chunks, resumed where they ended, never twice, and bounded."""

from typing import Any

import pytest

from notify import queue
from notify.errors import Unavailable
from notify.local import process
from notify.manage import keys
from notify.model.names import Lane, World
from notify.model.work import Stage
from notify.pipeline import reconcile
from notify.store import work
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.stack import StartWorker


def _subscribe(api: Api, number: int, list_id: str = "news") -> None:
    recipients = [{"recipientId": f"user-{i:05}"} for i in range(number)]
    assert api.put(f"/lists/{list_id}/subscriptions", {"recipients": recipients}).status_code == 204


def _progress(api: Api, request_id: str) -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/requests/{request_id}").json()
    return found


def _work(database: Database, stage: Stage) -> list[dict[str, Any]]:
    return [row for row in database.work() if row["stage"] == stage]


def _left_behind(database: Database) -> None:
    """Whatever is due has been so for long."""
    database("UPDATE work SET due_at = now() - interval '1 hour' WHERE due_at <= now()")


def test_a_chunk_that_fails_is_done_again_and_nobody_gets_two(
    sandbox: Api,
    pipeline: Pipeline,
    database: Database,
    configured: Configure,
    time: Time,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configured(expand_chunk=4, lease_s=2)
    _subscribe(sandbox, 10)
    request_id = sandbox.send(to={"list_id": "news"})
    pipeline.step(Stage.EXPAND)
    assert (_progress(sandbox, request_id)["state"], database.count("message")) == ("EXPANDING", 4)

    def dies(*_: Any, **__: Any) -> None:
        raise Unavailable("the database went away")

    with monkeypatch.context() as patch:
        patch.setattr(work, "add", dies)
        with pytest.raises(Unavailable):
            pipeline.step(Stage.EXPAND, lane=Lane.BULK)
    assert database.count("message") == 4
    pipeline.lose_everything()
    time.passes(seconds=60)
    _left_behind(database)
    pipeline.reconcile()
    pipeline.drain()
    assert database("SELECT count(*), count(DISTINCT user_id) AS users FROM message") == [
        {"count": 10, "users": 10}
    ]
    assert _progress(sandbox, request_id) | {"createdAt": 0, "expandedAt": 0} == {
        "requestId": request_id,
        "state": "EXPANDED",
        "createdAt": 0,
        "expandedAt": 0,
        "messages": 10,
        "statuses": {"SENT": 10},
    }
    assert database.work() == []


def test_expansion_waits_while_the_queues_are_long(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure, time: Time
) -> None:
    configured(expand_chunk=4, bulk_backlog=6, expand_wait_s=30)
    _subscribe(sandbox, 20)
    request_id = sandbox.send(to={"list_id": "news"})
    pipeline.step(Stage.EXPAND)
    for _ in range(4):
        pipeline.step(Stage.EXPAND, lane=Lane.BULK)
    assert len(_work(database, Stage.RENDER)) == 8
    assert [(row["lane"], row["attempt"]) for row in _work(database, Stage.EXPAND)] == [("bulk", 3)]
    for _ in range(5):
        time.passes(seconds=30)
        _left_behind(database)
        pipeline.reconcile()
        pipeline.drain()
    assert _progress(sandbox, request_id)["statuses"] == {"SENT": 20}
    assert database.work() == []


def test_a_few_take_the_fast_lane_and_many_do_not(
    sandbox: Api, pipeline: Pipeline, database: Database, configured: Configure
) -> None:
    configured(bulk_above=3)
    _subscribe(sandbox, 3, "few")
    _subscribe(sandbox, 4, "many")
    few, many = (sandbox.send(to={"list_id": list_id}) for list_id in ("few", "many"))
    pipeline.drain()
    lanes = database("SELECT list_id, lane, count(*) FROM message GROUP BY 1, 2 ORDER BY 1")
    assert [(row["list_id"], row["lane"], row["count"]) for row in lanes] == [
        ("few", "single", 3),
        ("many", "bulk", 4),
    ]
    assert {_progress(sandbox, id_)["state"] for id_ in (few, many)} == {"EXPANDED"}


def test_a_request_that_kills_its_workers_is_given_up(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    _subscribe(sandbox, 3)
    request_id = sandbox.send(to={"list_id": "news"})
    database("UPDATE work SET lost = 3")
    pipeline.drain()
    found = _progress(sandbox, request_id)
    assert (found["state"], found["messages"]) == ("FAILED", 0)
    assert "workers died" in found["error"]
    assert database.work() == []


def test_a_worker_that_is_killed_leaves_nobody_out_and_nobody_twice(
    base_url: str, configured: Configure, database: Database, start_worker: StartWorker
) -> None:
    configured(reconcile_grace_s=1)
    number, quick = 3000, {"NOTIFY_EXPAND_CHUNK": "50", "NOTIFY_LEASE_S": "2"}
    api = Api(base_url, keys.create(World.TEST, "tests"))
    _subscribe(api, number)
    first = start_worker("expand", "expand.bulk", concurrency=1, **quick)
    api.send(to={"list_id": "news"})
    assert process.wait_until(lambda: database.count("message") >= 200, timeout_s=60)
    first.kill()
    assert 200 <= database.count("message") < number
    start_worker("expand", "expand.bulk", concurrency=1, **quick)

    def expanded() -> bool:
        queue.publish(reconcile.run().handoff)
        return not _work(database, Stage.EXPAND)

    assert process.wait_until(expanded, timeout_s=90)
    found = database("SELECT count(*), count(DISTINCT user_id) AS users FROM message")
    assert found == [{"count": number, "users": number}]
    assert len(_work(database, Stage.RENDER)) == number
