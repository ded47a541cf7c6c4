"""The queue: few tasks for many ids, each where it belongs, and a broker that is away holds nobody up."""

import base64
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson
import pytest
import redis
from celery import Celery

from notify import ids, queue, settings
from notify.local import process
from notify.model.names import Channel, Lane
from notify.model.work import Handoff, Place, Stage, Wake
from notify.publisher import Publisher
from tests.integration.conftest import Configure
from tests.stack import Servers

RENDER = Place(stage=Stage.RENDER, lane=Lane.SINGLE)
ROUTE = Place(stage=Stage.ROUTE, lane=Lane.SINGLE)
EMAIL = Place(stage=Stage.DELIVER, lane=Lane.BULK, channel=Channel.EMAIL)


class Broker:
    """The broker, with no worker to empty its queues."""

    def __init__(self, servers: Servers) -> None:
        self._redis = redis.Redis.from_url(servers.broker_url)

    def tasks(self, name: str) -> list[dict[str, Any]]:
        """The tasks in a queue, oldest first, each with its headers, arguments and options."""
        return [_task(orjson.loads(raw)) for raw in reversed(self._redis.lrange(name, 0, -1))]

    def names(self) -> set[str]:
        return {name.decode() for name in self._redis.scan_iter() if not name.startswith(b"_kombu")}

    def set(self, name: str, value: str) -> None:
        self._redis.config_set(name, value)


def _task(message: dict[str, Any]) -> dict[str, Any]:
    (told, lane), named, _ = orjson.loads(base64.b64decode(message["body"]))
    assert named == {}
    return {**message["headers"], "ids": [UUID(text) for text in told], "lane": lane}


@pytest.fixture
def broker(configured: Configure, servers: Servers) -> Broker:
    return Broker(servers)


@pytest.fixture
def away(configured: Configure, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody listens where the broker should be."""
    app = Celery("away", set_as_current=False)
    app.config_from_object("celeryconfig")
    app.conf.broker_url = f"redis://127.0.0.1:{process.free_port()}/0"
    monkeypatch.setattr(queue, "celery", app)


def _wake(place: Place, count: int = 1, **fields: Any) -> Wake:
    return Wake(place=place, ids=tuple(ids.new() for _ in range(count)), **fields)


# --- what is published ---------------------------------------------------------------------------


def test_a_wake_up_is_a_task_in_its_places_queue(broker: Broker) -> None:
    wake = _wake(EMAIL, 2)
    assert queue.publish((wake,))
    assert broker.names() == {"deliver.email.bulk"}
    (task,) = broker.tasks("deliver.email.bulk")
    assert (task["task"], task["ids"], task["lane"]) == ("deliver.email", list(wake.ids), "bulk")
    assert task["argsrepr"] == "(2 told, bulk)"


def test_wake_ups_for_one_place_go_together(broker: Broker) -> None:
    wakes = [_wake(RENDER), _wake(ROUTE), _wake(RENDER, 3)]
    queue.publish(tuple(wakes))
    (render,), (route,) = broker.tasks("render"), broker.tasks("route")
    assert render["ids"] == [*wakes[0].ids, *wakes[2].ids]
    assert route["ids"] == list(wakes[1].ids)


def test_many_ids_are_several_tasks(broker: Broker) -> None:
    wakes = [_wake(RENDER) for _ in range(250)]
    queue.publish(tuple(wakes))
    tasks = broker.tasks("render")
    assert [len(task["ids"]) for task in tasks] == [100, 100, 50]
    assert [id_ for task in tasks for id_ in task["ids"]] == [wake.ids[0] for wake in wakes]


def test_a_wake_up_without_ids_is_a_task_all_the_same(broker: Broker) -> None:
    queue.publish((Wake(place=RENDER, ids=()), Wake(place=RENDER, ids=())))
    assert [task["ids"] for task in broker.tasks("render")] == [[]]


def test_nothing_is_no_task(broker: Broker) -> None:
    assert queue.publish(())
    assert broker.names() == set()


def test_later_wake_ups_keep_their_time_to_the_second_and_never_come_early(broker: Broker) -> None:
    def at(microsecond: int, second: int = 7) -> datetime:
        return datetime(2030, 1, 1, 12, 0, second, microsecond, UTC)

    queue.publish(tuple(_wake(RENDER, at=time) for time in (at(100_000), at(900_000), at(0, second=9))))
    tasks = {datetime.fromisoformat(task["eta"]): len(task["ids"]) for task in broker.tasks("render")}
    assert sorted(tasks.values()) == [1, 2]
    assert all(at(900_000) <= eta for eta in tasks)
    assert min(tasks) <= at(0, second=8)


# --- a broker that is away -----------------------------------------------------------------------


@pytest.mark.usefixtures("away")
def test_a_broker_that_is_away_is_said_to_be() -> None:
    assert not queue.publish((_wake(RENDER), _wake(ROUTE)))
    assert not queue.reachable()


def test_a_broker_that_is_there_is_said_to_be(broker: Broker) -> None:
    assert queue.reachable()


def test_a_broker_that_is_full_is_as_good_as_away(broker: Broker) -> None:
    broker.set("maxmemory", "1")
    try:
        assert not queue.publish((_wake(RENDER),))
    finally:
        broker.set("maxmemory", "0")
    assert queue.publish((_wake(RENDER),))


# --- beside the answers --------------------------------------------------------------------------


@pytest.fixture
def published(monkeypatch: pytest.MonkeyPatch) -> list[Handoff]:
    """What is published; the first time, the broker is away."""
    rounds: list[Handoff] = []

    def publish(handoff: Handoff) -> bool:
        rounds.append(handoff)
        return len(rounds) > 1

    monkeypatch.setattr(queue, "publish", publish)
    monkeypatch.setattr("notify.publisher._PAUSE_S", 0)
    return rounds


def test_the_publisher_survives_a_broker_that_is_away(published: list[Handoff]) -> None:
    publisher = Publisher()
    first, second = _wake(RENDER), _wake(RENDER)
    publisher.offer((first,))
    assert process.wait_until(lambda: len(published) == 1, timeout_s=30)
    publisher.offer((second,))
    publisher.close()
    assert published == [(first,), (second,)]


def test_the_publisher_publishes_what_waits_before_it_ends(published: list[Handoff]) -> None:
    publisher = Publisher()
    wakes = [_wake(RENDER) for _ in range(100)]
    for wake in wakes:
        publisher.offer((wake,))
    publisher.close()
    assert [wake for handoff in published for wake in handoff] == wakes


# --- queues --------------------------------------------------------------------------------------


def test_every_place_has_a_queue(configured: Configure) -> None:
    names = {each.name for each in queue.celery.conf.task_queues}
    assert names == set(queue.names())


def test_a_queue_that_does_not_exist_is_an_error(broker: Broker) -> None:
    with pytest.raises(Exception, match="nonesuch"):
        queue.celery.send_task("render", queue="nonesuch")


def test_a_task_that_waits_or_works_is_not_taken_for_lost(configured: Configure) -> None:
    conf = queue.celery.conf
    longest = settings.load().horizon_s + conf.task_time_limit
    assert conf.broker_transport_options["visibility_timeout"] > longest
