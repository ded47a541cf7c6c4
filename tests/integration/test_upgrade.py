"""A deploy under load: the version before serves, its schema is migrated, it is replaced bit by bit.

The version before is the newest commit whose migrations are others than those of this tree, with the
libraries installed here.
"""

import signal
import subprocess
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest
import requests
from alembic import command

from notify import queue
from notify.local import process
from notify.store import db
from tests import factories
from tests.integration.harness import Api, Database
from tests.servers import ProviderLab
from tests.stack import ROOT, Servers, Worker, environment_of, program

TIMEOUT_S = 90
MIGRATIONS = "notify/store/migrations/versions"
QUICK = {
    "NOTIFY_RECONCILE_EVERY_S": "1",
    "NOTIFY_RECONCILE_GRACE_S": "1",
    "NOTIFY_LEASE_S": "3",
}


def git(*arguments: str) -> bytes:
    return subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=True).stdout


def migrations_of(commit: str) -> set[str]:
    names = git("ls-tree", "--name-only", commit, f"{MIGRATIONS}/").decode().split()
    return {Path(name).name for name in names}


def commit_before() -> str | None:
    """The newest commit with other migrations than ours; None: there is no history to look at."""
    ours = {path.name for path in (ROOT / MIGRATIONS).glob("*.py")}
    try:
        commits = git("log", "--format=%H", "HEAD", "--", MIGRATIONS).decode().split()
    except (OSError, subprocess.CalledProcessError):
        return None
    candidates = ["HEAD", *(f"{commit}^" for commit in commits)]
    found = (
        commit for commit in candidates if _exists(commit) and migrations_of(commit) not in (set(), ours)
    )
    return next(found, None)


def _exists(commit: str) -> bool:
    done = subprocess.run(["git", "rev-parse", "-q", "--verify", commit], cwd=ROOT, capture_output=True)
    return done.returncode == 0


@pytest.fixture
def before(tmp_path: Path) -> Path:
    """The tree of the version before."""
    commit = commit_before()
    if commit is None:
        pytest.skip("NO UPGRADE TESTED: there is no git history here")
    directory = tmp_path / "before"
    directory.mkdir()
    subprocess.run(["tar", "-x", "-C", str(directory)], input=git("archive", commit), check=True)
    return directory


class Deployment:
    """The processes of an instance, each of either version."""

    def __init__(self, environment: dict[str, str], directory: Path, stack: ExitStack) -> None:
        self._environment, self._directory, self._stack = environment, directory, stack
        self._count = 0
        self.queues: dict[Path, str] = {}

    def run(self, tree: Path, *command: str) -> Worker:
        """Start a program of a version."""
        self._count += 1
        log = self._directory / f"{self._count}-{command[0]}.log"
        environment = {**self._environment, **QUICK, "PYTHONPATH": str(tree)}
        return self._stack.enter_context(program(environment, log, *command, cwd=tree))

    def once(self, tree: Path, *command: str) -> str:
        """Run a command of a version to its end."""
        started = self.run(tree, *command)
        assert started.popen.wait(TIMEOUT_S) == 0, started.log.read_text()
        return started.log.read_text()

    def worker(self, tree: Path) -> Worker:
        every = self.queues.setdefault(tree, self._queues(tree))
        started = self.run(
            tree, "celery", "-A", "workers.app", "worker", "-Q", every, "-c", "1", "-n", f"w{self._count}@%h",
            "-l", "info", "--without-gossip", "--without-mingle",
        )  # fmt: skip
        _wait_for(lambda: b" ready" in started.log.read_bytes(), started)
        return started

    def _queues(self, tree: Path) -> str:
        if tree == ROOT:
            return ",".join(queue.names())
        lines = (tree / "Procfile").read_text().splitlines()
        return ",".join(line.split(" -Q ")[1].split()[0] for line in lines if " -Q " in line)

    def beat(self, tree: Path) -> Worker:
        schedule = str(self._directory / f"schedule-{self._count}")
        return self.run(tree, "celery", "-A", "workers.app", "beat", "--schedule", schedule, "--pidfile=")

    def api(self, tree: Path) -> tuple[Worker, str]:
        port = process.free_port()
        grace = ("--timeout-graceful-shutdown", "10")
        started = self.run(
            tree, "uvicorn", "--factory", "notify.api.app:create_app", "--port", str(port), *grace
        )
        url = f"http://127.0.0.1:{port}"
        _wait_for(lambda: _ready(url), started)
        return started, url


def _wait_for(ready: Callable[[], bool], started: Worker) -> None:
    process.wait_until(lambda: ready() or started.popen.poll() is not None, TIMEOUT_S, every_s=0.1)
    assert started.popen.poll() is None, started.log.read_text()[-4000:]
    assert ready(), started.log.read_text()[-4000:]


def _ready(url: str) -> bool:
    try:
        return requests.get(f"{url}/health/ready", timeout=5).ok
    except requests.RequestException:
        return False


class Load:
    """Sends without a pause, to whichever API the load balancer names, and keeps every answer."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.accepted: list[str] = []
        self.refused: list[str] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(0.05):
            message = factories.message(to={"email": f"user-{number}@example.com"})
            answer = self.api.post("/send", {"message": message})
            number += 1
            if answer.status_code == 202:
                self.accepted.append(answer.json()["requestId"])
            else:
                self.refused.append(f"{answer.status_code} {answer.text}")

    @contextmanager
    def running(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join()


@pytest.fixture
def empty_url(servers: Servers) -> Iterator[str]:
    servers.execute("CREATE DATABASE upgraded")
    try:
        yield servers.url("upgraded")
    finally:
        servers.execute("DROP DATABASE upgraded WITH (FORCE)")


def test_a_running_instance_is_upgraded_and_nobody_notices(
    before: Path,
    environment: dict[str, str],
    servers: Servers,
    empty_url: str,
    tmp_path: Path,
    lab: ProviderLab,
) -> None:
    with ExitStack() as stack:
        deployment = Deployment({**environment, **environment_of(servers, empty_url)}, tmp_path, stack)
        deployment.once(before, "notify.cli", "migrate")
        key = deployment.once(before, "notify.cli", "keys", "create", "tests", "--world", "production")
        workers = [deployment.worker(before), deployment.worker(before)]
        beat = deployment.beat(before)
        old_api, url = deployment.api(before)
        load = Load(Api(url, key.split()[-1]))
        load.api.configure("sendgrid", factories.sendgrid(lab))
        database = Database(servers, empty_url)
        stack.callback(database.close)

        def goes_on(count: int = 5) -> None:
            """Sending and delivering go on."""
            goal = lab.count + count
            assert process.wait_until(lambda: lab.count >= goal, TIMEOUT_S, every_s=0.05), load.refused

        with load.running():
            goes_on()
            # Expand: the new schema under the old code.
            deployment.once(ROOT, "notify.cli", "migrate")
            goes_on()
            # Then one process after the other.
            for worker in workers:
                fresh = deployment.worker(ROOT)
                worker.popen.terminate()
                assert worker.popen.wait(TIMEOUT_S) == 0, worker.log.read_text()[-3000:]
                goes_on()
                assert fresh.popen.poll() is None
            beat.stop()
            deployment.beat(ROOT)
            _, url = deployment.api(ROOT)
            load.api.base_url = url
            old_api.popen.terminate()
            # uvicorn, once it has answered what was under way, ends by the signal that ended it.
            assert old_api.popen.wait(TIMEOUT_S) == -signal.SIGTERM
            goes_on()

        assert load.refused == []
        process.wait_until(lambda: database.work() == [], TIMEOUT_S, every_s=0.1)
        ended = database("SELECT status, count(*) AS count FROM message GROUP BY status")
        assert (ended, database.work()) == ([{"status": "SENT", "count": len(load.accepted)}], [])
        told = Counter(
            request.json()["personalizations"][0]["to"][0]["email"] for request in lab.of("sendgrid")
        )
        assert set(told.values()) == {1}
        assert len(told) == len(load.accepted)


def test_a_schema_newer_than_the_code_is_served(database: Database) -> None:
    with db.begin() as tx:
        assert db.is_current(tx)
    database("UPDATE alembic_version SET version_num = '9999'")
    with db.begin() as tx:
        assert db.is_current(tx)
    database("UPDATE alembic_version SET version_num = '0001'")
    with db.begin() as tx:
        assert not db.is_current(tx)


def test_a_migration_that_waits_for_a_lock_gives_way_and_tries_again(
    environment: dict[str, str], servers: Servers, empty_url: str, tmp_path: Path
) -> None:
    before_last = sorted(path.name[:4] for path in (ROOT / MIGRATIONS).glob("*.py"))[-2]
    command.upgrade(db._alembic(empty_url), before_last)
    with psycopg.connect(empty_url) as reader, ExitStack() as stack:
        # Somebody reads for a long time what every migration writes.
        reader.execute("SELECT * FROM alembic_version")
        reader.execute("LOCK TABLE alembic_version IN SHARE MODE")
        deployment = Deployment({**environment, **environment_of(servers, empty_url)}, tmp_path, stack)
        migrating = deployment.run(ROOT, "notify.cli", "migrate")
        waits = lambda: b"migrate.waits" in migrating.log.read_bytes()  # noqa: E731
        assert process.wait_until(waits, TIMEOUT_S, every_s=0.1), migrating.log.read_text()
        reader.rollback()
        assert migrating.popen.wait(TIMEOUT_S) == 0, migrating.log.read_text()
