"""Workers, as the processes they are: prefork Celery over a real broker, killed where it hurts."""

import itertools
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis
import requests
from pytest_celery import (
    CeleryBrokerCluster,
    CeleryTestSetup,
    CeleryTestWorker,
    CeleryWorkerCluster,
)

from notify import queue
from notify.local import process
from notify.manage import keys
from notify.model.names import World
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database
from tests.integration.nodes import broker_node, worker_node
from tests.servers import ProviderLab, Reply
from tests.stack import ROOT, Servers, StartWorker

QUEUES = queue.names()
IMPATIENT = {
    "NOTIFY_LEASE_S": "2",
    "NOTIFY_RECONCILE_EVERY_S": "1",
    "NOTIFY_RECONCILE_GRACE_S": "1",
    "NOTIFY_LOG_LEVEL": "info",
}
TIMEOUT_S = 90


# --- pytest-celery's fixtures, over processes ----------------------------------------------------


@pytest.fixture
def celery_broker_cluster(servers: Servers, environment: dict[str, str]) -> CeleryBrokerCluster:
    return CeleryBrokerCluster(broker_node(servers.broker_url))


@pytest.fixture
def celery_backend_cluster() -> None:
    """Nobody asks a stage for its result."""


@pytest.fixture
def celery_worker_cluster(start_node: Callable[[], CeleryTestWorker]) -> CeleryWorkerCluster:
    return CeleryWorkerCluster(start_node())


@pytest.fixture
def start_node(start_worker: StartWorker) -> Callable[[], CeleryTestWorker]:
    """Starts a worker over all queues."""
    numbers = itertools.count(1)

    def start() -> CeleryTestWorker:
        name = f"worker-{next(numbers)}"
        return worker_node(name, lambda: start_worker(*QUEUES, concurrency=2, **IMPATIENT))

    return start


# --- the other processes -------------------------------------------------------------------------

Start = Callable[..., None]


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """``start("celery", ...)``: another Python program, killed when the test ends."""
    with ExitStack() as stack:

        def run(*command: str) -> None:
            log = stack.enter_context((tmp_path / f"{command[0]}.log").open("wb"))
            running = subprocess.Popen(
                [sys.executable, "-m", *command],
                cwd=ROOT,
                env={**os.environ, **environment, **IMPATIENT},
                stdout=log,
                stderr=log,
            )
            stack.callback(running.wait)
            stack.callback(running.kill)

        yield run


@pytest.fixture
def beat(start: Start, tmp_path: Path) -> None:
    start("celery", "-A", "workers.app", "beat", "--schedule", str(tmp_path / "beat"), "--pidfile=")


@pytest.fixture
def served(start: Start, configured: Configure) -> Api:
    """The API in a process of its own."""
    port = process.free_port()
    start("uvicorn", "--factory", "notify.api.app:create_app", "--port", str(port))
    url = f"http://127.0.0.1:{port}"
    assert process.wait_until(lambda: _answers(url), TIMEOUT_S)
    return Api(url, keys.create(World.PRODUCTION, "tests"))


def _answers(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/ready", timeout=5).ok
    except requests.RequestException:
        return False


@pytest.fixture
def api(base_url: str, configured: Configure) -> Api:
    """The API of this process, which publishes to the broker for real."""
    return Api(base_url, keys.create(World.PRODUCTION, "tests"))


def _statuses(api: Api, ids: list[str]) -> set[str]:
    return {api.message(id_)["status"] for id_ in ids}


def _all_sent(api: Api, ids: list[str]) -> bool:
    return process.wait_until(lambda: _statuses(api, ids) == {"SENT"}, TIMEOUT_S, every_s=0.1)


# --- and what they do ----------------------------------------------------------------------------


def test_a_message_goes_all_the_way(served: Api, celery_setup: CeleryTestSetup, lab: ProviderLab) -> None:
    assert celery_setup.ready(control=True)
    served.configure("sendgrid", factories.sendgrid(lab))
    ids = [served.send() for _ in range(5)]
    assert _all_sent(served, ids), celery_setup.worker.logs()
    many = served.send(to=[{"email": f"user-{number}@example.com"} for number in range(60)])
    assert process.wait_until(lambda: len(served.messages(traceId=many, status="SENT")) == 60, TIMEOUT_S)
    assert len(lab.of("sendgrid")) == 65
    celery_setup.worker.assert_log_exists("deliver.email.done")
    served_queues = celery_setup.app.control.inspect().active_queues()
    assert {each["name"] for queues in served_queues.values() for each in queues} == set(QUEUES)


@pytest.mark.usefixtures("beat")
def test_a_worker_killed_in_mid_batch_leaves_its_messages_to_the_next(
    api: Api,
    celery_setup: CeleryTestSetup,
    start_node: Callable[[], CeleryTestWorker],
    database: Database,
    lab: ProviderLab,
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    with lab.always(Reply(status=202, delay_s=60)):
        ids = [api.send() for _ in range(20)]
        lab.wait_for(1, timeout_s=TIMEOUT_S)
        celery_setup.worker.kill()
    called = lab.count
    assert "SENT" not in _statuses(api, ids)
    second = start_node()
    assert _all_sent(api, ids), second.logs()
    assert database.work() == []
    # Those whose call was under way are sent again, the others once.
    assert 20 <= lab.count - called <= 20 + called
    assert {api.happened(id_).count("SENT") for id_ in ids} == {1}


def test_a_worker_that_is_told_to_stop_finishes_its_batch(
    api: Api, celery_setup: CeleryTestSetup, database: Database, lab: ProviderLab
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    with lab.always(Reply(status=202, delay_s=1)):
        id_ = api.send()
        lab.wait_for(1, timeout_s=TIMEOUT_S)
        celery_setup.worker.kill("SIGTERM")
        assert celery_setup.worker.container.wait(TIMEOUT_S) == 0
    assert (api.message(id_)["status"], database.work()) == ("SENT", [])


@pytest.mark.usefixtures("beat")
def test_a_broker_that_comes_back_empty_loses_nothing(
    api: Api,
    start_node: Callable[[], CeleryTestWorker],
    servers: Servers,
    lab: ProviderLab,
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    ids = [api.send() for _ in range(5)]
    broker = redis.Redis.from_url(servers.broker_url)
    assert process.wait_until(lambda: broker.llen("render") > 0, TIMEOUT_S)
    broker.flushall()
    worker = start_node()
    assert _all_sent(api, ids), worker.logs()
    assert len(lab.of("sendgrid")) == 5
