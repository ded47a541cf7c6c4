"""Real servers for tests: a PostgreSQL and a Valkey per session, a database per test, workers as processes.

Fixtures: ``servers`` (session), ``database_url`` (a fresh migrated database), ``environment`` (what a Notify
process needs in its environment), ``start_worker`` (real Celery workers, killed after the test).
"""

import base64
import itertools
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from notify.local import embedded, process
from notify.store import db

ROOT = Path(__file__).parents[1]
TEMPLATE = "notify_template"
# The disk's part is PostgreSQL's own promise; without it a test's database is there in a few milliseconds.
_FAST = {"fsync": "off", "full_page_writes": "off", "autovacuum": "off", "max_wal_size": "256MB"}
_WORKER_TIMEOUT_S = 90


@dataclass(frozen=True, slots=True)
class Servers:
    """The servers of this test session."""

    postgres_url: str
    broker_url: str
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def url(self, database: str) -> str:
        return urlsplit(self.postgres_url)._replace(path=f"/{database}").geturl()

    def execute(self, statement: str) -> None:
        with psycopg.connect(self.url("postgres"), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_servers(directory: Path) -> Iterator[Servers]:
    """Both servers, with a migrated template database."""
    with (
        embedded.running_postgres(directory, _FAST) as postgres,
        embedded.running_valkey(directory) as broker,
    ):
        servers = Servers(postgres, broker)
        servers.execute(f"CREATE DATABASE {TEMPLATE}")
        db.migrate(servers.url(TEMPLATE))
        yield servers


@contextmanager
def cloned_database(servers: Servers) -> Iterator[str]:
    """A database of its own, as the migrations leave it; yields its URL."""
    name = f"test_{next(servers.numbers)}"
    servers.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE} STRATEGY FILE_COPY")
    try:
        yield servers.url(name)
    finally:
        servers.execute(f"DROP DATABASE {name} WITH (FORCE)")


def environment_of(servers: Servers, database_url: str) -> dict[str, str]:
    """What any Notify process needs; merge it over ``os.environ``."""
    return {
        "DATABASE_URL": database_url,
        "BROKER_URL": servers.broker_url,
        "NOTIFY_ENCRYPTION_KEY": base64.urlsafe_b64encode(b"tests" * 6 + b"!!").decode(),
        "PYTHONPATH": str(ROOT),
    }


@dataclass(slots=True)
class Worker:
    """A running Celery worker with its pool processes."""

    popen: subprocess.Popen[bytes]
    log: Path

    @property
    def pid(self) -> int:
        return self.popen.pid

    def kill(self) -> None:
        """kill -9, pool processes included."""
        with suppress(ProcessLookupError):
            os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()

    def stop(self) -> None:
        """Warm shutdown."""
        if self.popen.poll() is None:
            self.popen.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.popen.wait(_WORKER_TIMEOUT_S)
        self.kill()


def worker(environment: dict[str, str], log: Path, *queues: str, concurrency: int = 2) -> Worker:
    """Start a worker over ``queues`` and wait until it takes tasks."""
    command = [sys.executable, "-m", "celery", "-A", "workers.app", "worker", "-Q", ",".join(queues)]
    options = [
        "-n",
        f"{log.stem}@%h",
        "-c",
        str(concurrency),
        "-l",
        "info",
        "--without-gossip",
        "--without-mingle",
    ]
    with log.open("ab") as output:
        popen = subprocess.Popen(
            command + options,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    started = Worker(popen, log)
    process.wait_until(lambda: b" ready" in log.read_bytes() or popen.poll() is not None, _WORKER_TIMEOUT_S)
    if b" ready" not in log.read_bytes():
        started.stop()
        raise AssertionError(f"worker {log.stem} did not start:\n{log.read_text()[-4000:]}")
    return started


@contextmanager
def program(environment: Mapping[str, str], log: Path, *command: str, cwd: Path = ROOT) -> Iterator[Worker]:
    """A Python program (``"uvicorn", ...``) while the block runs; then it is killed."""
    with log.open("ab") as output:
        popen = subprocess.Popen(
            [sys.executable, "-m", *command],
            cwd=cwd,
            env={**os.environ, **environment},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    started = Worker(popen, log)
    try:
        yield started
    finally:
        started.kill()


StartWorker = Callable[..., Worker]


@pytest.fixture(scope="session")
def servers() -> Iterator[Servers]:
    """PostgreSQL and Valkey for the whole session."""
    with (
        tempfile.TemporaryDirectory(prefix="notify-tests-", dir=_memory()) as directory,
        running_servers(Path(directory)) as running,
    ):
        yield running


def _memory() -> str | None:
    """Where files are kept in memory, if there is room: a database is cloned there 20 times as fast."""
    shared = "/dev/shm"
    roomy = os.path.isdir(shared) and shutil.disk_usage(shared).free > 2**30
    return shared if roomy and os.access(shared, os.W_OK) else None


@pytest.fixture
def database_url(servers: Servers) -> Iterator[str]:
    """A fresh, migrated database."""
    with cloned_database(servers) as url:
        yield url


@pytest.fixture
def environment(servers: Servers, database_url: str) -> dict[str, str]:
    """The environment of this test's processes; the broker is emptied."""
    redis.Redis.from_url(servers.broker_url).flushall()
    return environment_of(servers, database_url)


@pytest.fixture
def start_worker(environment: dict[str, str], tmp_path: Path) -> Iterator[StartWorker]:
    """``start_worker("render", "route", concurrency=1)``: a real worker, killed when the test ends."""
    numbers = itertools.count(1)
    with ExitStack() as stack:

        def start(*queues: str, concurrency: int = 2, **extra: str) -> Worker:
            log = tmp_path / f"worker-{next(numbers)}.log"
            started = worker({**environment, **extra}, log, *queues, concurrency=concurrency)
            stack.callback(started.kill)
            return started

        yield start
