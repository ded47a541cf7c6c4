"""Fixtures of the integration tests: one API server for all, a database and settings for each test."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import uvicorn

from notify import queue
from notify.api.app import create_app
from notify.local import process
from notify.manage import keys
from notify.model.names import World
from notify.pipeline import hook_lines
from notify.publisher import Publisher
from notify.store import claiming
from tests.integration.harness import Api, Database, Pipeline, Time, forget
from tests.servers import MailLab, ProviderLab
from tests.stack import TEMPLATE, Servers, environment_of

Configure = Callable[..., None]


@pytest.fixture(scope="session")
def base_url(servers: Servers) -> Iterator[str]:
    """Where the API listens. It uses whatever database the settings name at the time of a call."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment_of(servers, servers.url(TEMPLATE)).items():
            patch.setenv(name, value)
        # Its looks at whatever database there is at the moment would get in between.
        patch.setenv("NOTIFY_SHED", "false")
        # All tests call from one address.
        patch.setenv("NOTIFY_AUTH_FAILURES_PER_MINUTE", "0")
        forget()
        server = uvicorn.Server(
            uvicorn.Config(create_app(), port=0, log_config=None, log_level="warning", proxy_headers=False)
        )
        thread = threading.Thread(target=server.run, name="api", daemon=True)
        thread.start()
        assert process.wait_until(lambda: server.started or not thread.is_alive(), timeout_s=30)
        port = server.servers[0].sockets[0].getsockname()[1]
    forget()
    yield f"http://127.0.0.1:{port}"
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def configured(environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Iterator[Configure]:
    """This process with the test's own database; ``configured(lease_s=2)`` changes settings."""

    def configure(**values: Any) -> None:
        for name, value in values.items():
            monkeypatch.setenv(f"NOTIFY_{name.upper()}", str(value))
        forget()

    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    configure(retry_jitter=0, horizon_s=60)
    # The server of a session has just started, and is away now and then.
    monkeypatch.setattr(claiming, "RETURN_S", 0.0)
    # Celery reads its configuration once in a process, and some other test may have made it do so.
    monkeypatch.setattr(queue.celery.conf, "broker_url", environment["BROKER_URL"])
    yield configure
    forget()


@pytest.fixture
def database(configured: Configure, servers: Servers, database_url: str) -> Iterator[Database]:
    """The test's database."""
    opened = Database(servers, database_url)
    yield opened
    opened.close()


@pytest.fixture
def pipeline(configured: Configure, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The pipeline in this process."""
    caught = Pipeline()
    monkeypatch.setattr(queue, "publish", caught.publish)
    # On a busy machine a quick destination is a slow one.
    monkeypatch.setattr(hook_lines, "_PATIENCE_S", 60.0)
    # The API publishes beside its answers; here what it has accepted can be drained at once.
    monkeypatch.setattr(Publisher, "offer", lambda self, handoff: caught.publish(handoff))
    return caught


@pytest.fixture
def api(base_url: str, pipeline: Pipeline) -> Api:
    """The API with a key of the production world, where nothing is configured yet."""
    return Api(base_url, keys.create(World.PRODUCTION, "tests"))


@pytest.fixture
def sandbox(base_url: str, pipeline: Pipeline) -> Api:
    """The API with a key of the test world, where the sandbox takes every channel."""
    return Api(base_url, keys.create(World.TEST, "tests"))


@pytest.fixture
def time(database: Database, monkeypatch: pytest.MonkeyPatch) -> Time:
    """``time.passes(seconds=...)``."""
    return Time(database, monkeypatch)


@pytest.fixture(scope="session")
def _labs() -> Iterator[tuple[ProviderLab, MailLab]]:
    with ProviderLab() as http, MailLab() as mail:
        yield http, mail


@pytest.fixture
def lab(_labs: tuple[ProviderLab, MailLab]) -> ProviderLab:
    """The HTTP providers, with nothing received yet."""
    http = _labs[0]
    http.requests.clear()
    http._scripted.clear()
    http.count = 0
    return http


@pytest.fixture
def mail(_labs: tuple[ProviderLab, MailLab]) -> MailLab:
    """The mail server, with nothing received yet."""
    server = _labs[1]
    server.mails.clear()
    server.refuse.clear()
    server.delay_s = 0.0
    server.count = 0
    return server
