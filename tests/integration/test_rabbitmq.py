"""RabbitMQ as the broker, by its URL alone: a real server, real processes, killed and forgetful."""

import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import kombu
import pytest
import requests

from notify import queue, settings
from notify.local import process
from notify.manage import keys
from notify.model.names import World
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api
from tests.rabbitmq import PROGRAM, RabbitMq, running_rabbitmq
from tests.servers import ProviderLab, Reply
from tests.stack import program, worker

TIMEOUT_S = 90
QUICK = {
    "NOTIFY_RECONCILE_EVERY_S": "1",
    "NOTIFY_RECONCILE_GRACE_S": "1",
    "NOTIFY_LEASE_S": "3",
    "NOTIFY_RETRY_WAITS_S": "1",
}

pytestmark = pytest.mark.skipif(not PROGRAM.exists(), reason="NOT TESTED WITH RABBITMQ: no rabbitmq-server")
if not PROGRAM.exists():
    warnings.warn("rabbitmq-server is not installed, so nothing is tested with RabbitMQ", stacklevel=1)


@pytest.fixture(scope="module")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMq]:
    with running_rabbitmq(tmp_path_factory.mktemp("rabbitmq")) as node:
        yield node


@pytest.fixture
def settings_(environment: dict[str, str], rabbitmq: RabbitMq) -> dict[str, str]:
    return {**environment, **QUICK, "BROKER_URL": rabbitmq.url, "NOTIFY_CACHE_URL": environment["BROKER_URL"]}


@pytest.fixture
def start(settings_: dict[str, str], tmp_path: Path) -> Iterator[Callable[..., None]]:
    """``start("celery", ...)``: a program of ours, killed when the test ends."""
    with ExitStack() as stack:

        def run(*command: str) -> None:
            stack.enter_context(program(settings_, tmp_path / f"{command[0]}.log", *command))

        yield run


@pytest.fixture
def api(start: Callable[..., None], configured: Configure, tmp_path: Path) -> Api:
    """The API and beat, each in a process of its own."""
    port = process.free_port()
    start("uvicorn", "--factory", "notify.api.app:create_app", "--port", str(port))
    start("celery", "-A", "workers.app", "beat", "--schedule", str(tmp_path / "beat"), "--pidfile=")
    served = Api(f"http://127.0.0.1:{port}", keys.create(World.PRODUCTION, "tests"))
    assert process.wait_until(lambda: health(served) == 200, TIMEOUT_S, every_s=0.1)
    return served


@pytest.fixture
def start_worker(settings_: dict[str, str], tmp_path: Path) -> Iterator[Callable[[], Any]]:
    """A worker over all queues."""
    with ExitStack() as stack:

        def begin() -> Any:
            log = tmp_path / f"worker-{len(list(tmp_path.iterdir()))}.log"
            running = worker(settings_, log, *queue.names(), concurrency=1)
            stack.callback(running.kill)
            return running

        yield begin


def health(api: Api) -> int:
    try:
        return api.get("/health/ready").status_code
    except requests.RequestException:
        return 0


def all_sent(api: Api, ids: list[str]) -> bool:
    return process.wait_until(lambda: {api.message(id_)["status"] for id_ in ids} == {"SENT"}, TIMEOUT_S, 0.1)


def declared(node: RabbitMq) -> dict[str, int]:
    """How many tasks wait in each of our queues; asking for one that is not a quorum queue fails."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 20}
    with kombu.Connection(node.url) as connection:
        return {
            name: kombu.Queue(name, channel=connection.default_channel, queue_arguments=arguments)
            .queue_declare()
            .message_count
            for name in queue.names()
        }


def exchanges_for_delays(node: RabbitMq) -> bool:
    with kombu.Connection(node.url) as connection:
        try:
            connection.default_channel.exchange_declare("celery_delayed_27", "topic", passive=True)
        except connection.channel_errors:
            return False
        return True


def test_messages_go_all_the_way(
    api: Api, start_worker: Callable[[], Any], rabbitmq: RabbitMq, lab: ProviderLab
) -> None:
    running = start_worker()
    api.configure("sendgrid", factories.sendgrid(lab))
    ids = [api.send() for _ in range(5)]
    assert all_sent(api, ids), running.log.read_text()
    # A retry waits in the database; while it does, the worker goes on with others.
    with lab.always(Reply(status=500)):
        late = api.send()
        lab.wait_for(6, timeout_s=TIMEOUT_S)
    assert all_sent(api, [api.send(), late])
    assert set(declared(rabbitmq)) == set(queue.names())
    assert not exchanges_for_delays(rabbitmq)
    assert "Direct exchanges are not supported" not in running.log.read_text()


def test_a_server_that_is_killed_or_loses_everything_loses_no_message(
    api: Api, start_worker: Callable[[], Any], rabbitmq: RabbitMq, lab: ProviderLab
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    running = start_worker()
    assert all_sent(api, [api.send()])
    running.kill()
    waiting = [api.send() for _ in range(3)]
    assert process.wait_until(lambda: declared(rabbitmq)["render"] > 0, TIMEOUT_S, every_s=0.1)
    rabbitmq.kill()
    meanwhile = [api.send() for _ in range(3)]
    assert health(api) == 503
    rabbitmq.forget()
    rabbitmq.start()
    second = start_worker()
    assert all_sent(api, [*waiting, *meanwhile]), second.log.read_text()
    # And again, now under a worker that has to notice by itself.
    rabbitmq.kill()
    third = api.send()
    rabbitmq.start()
    assert all_sent(api, [third]), second.log.read_text()
    assert len(lab.of("sendgrid")) == 8


def test_over_amqp_a_countdown_is_the_dispatchers(configured: Configure, rabbitmq: RabbitMq) -> None:
    configured(broker_url=rabbitmq.url, horizon_s=60)
    assert (settings.load().horizon_s, settings.load().dispatch_every_s) == (0, 1)
    configured(broker_url=rabbitmq.url, dispatch_every_s=3)
    assert settings.load().dispatch_every_s == 3
