"""Messages that kill, hang or bloat their worker: set aside with the reason, and their neighbours delivered.

Real workers, of ``tests.poisoned``.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from notify.local import process
from notify.manage import keys
from notify.model.names import Lane, World
from notify.model.work import Place, Stage
from notify.pipeline import claims
from notify.store import db
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab
from tests.stack import StartWorker, Worker, program

QUEUES = "maintenance,expand,render,route,deliver.email"
IMPATIENT = {
    "NOTIFY_LEASE_S": "1.5",
    "NOTIFY_RECONCILE_EVERY_S": "1",
    "NOTIFY_RECONCILE_GRACE_S": "1",
    "NOTIFY_TASK_TIME_LIMIT_S": "4",
}
PATIENCE_S = 120
NEIGHBOURS = 20

Start = Callable[..., Worker]


@pytest.fixture
def start(environment: dict[str, str], configured: Configure, tmp_path: Path) -> Iterator[Start]:
    """``start("tests.poisoned", "worker", ...)``: Celery, killed when the test ends."""
    with ExitStack() as stack:

        def run(app: str, *command: str, **extra: str) -> Worker:
            log = tmp_path / f"{command[0]}.log"
            told = {**environment, **IMPATIENT, **extra}
            return stack.enter_context(program(told, log, "celery", "-A", app, *command))

        yield run


@pytest.fixture
def poisoned(start: Start, tmp_path: Path) -> Worker:
    """Two processes that poison works in, and beat."""
    start("workers.app", "beat", "--schedule", str(tmp_path / "beat"), "--pidfile=")
    quiet = ["--without-gossip", "--without-mingle"]
    return start("tests.poisoned", "worker", "-Q", QUEUES, "-c", "2", *quiet)


@pytest.fixture
def api(base_url: str, configured: Configure, lab: ProviderLab) -> Api:
    api = Api(base_url, keys.create(World.PRODUCTION, "tests"))
    api.configure("sendgrid", factories.sendgrid(lab))
    return api


def _send(api: Api, *poisons: str) -> str:
    """Poisons and their neighbours in one send, so that they meet in one batch; its trace."""
    neighbours: list[dict[str, Any]] = [{"email": f"user-{n}@example.com"} for n in range(NEIGHBOURS)]
    for number, poison in enumerate(poisons):
        place = (number + 1) * NEIGHBOURS // (len(poisons) + 1)
        neighbours.insert(place, {"email": f"poison-{number}@example.com", "data": {"poison": poison}})
    return api.send(to=neighbours)


def _ends(api: Api, trace: str, count: int, worker: Worker) -> dict[str, list[dict[str, Any]]]:
    """The messages of a send by status, once all have ended."""

    def found() -> list[dict[str, Any]]:
        return [one for one in api.messages(traceId=trace) if one["status"] in {"SENT", "UNDELIVERABLE"}]

    assert process.wait_until(lambda: len(found()) == count, PATIENCE_S, every_s=0.2), worker.log.read_text()
    ended: dict[str, list[dict[str, Any]]] = {"SENT": [], "UNDELIVERABLE": []}
    for one in found():
        ended[one["status"]].append(one)
    return ended


def _mails(lab: ProviderLab) -> Counter[str]:
    """How often each address was sent to."""
    bodies = [one.json() for one in lab.of("sendgrid")]
    return Counter(body["personalizations"][0]["to"][0]["email"] for body in bodies)


@pytest.mark.parametrize(
    "poisons",
    [("render:segfault", "deliver:killed"), ("render:hang", "deliver:memory"), ("deliver:hang_deaf",)],
    ids=["deadly", "in vain", "deaf"],
)
def test_poison_is_set_aside_and_its_neighbours_are_delivered(
    poisons: tuple[str, ...],
    api: Api,
    database: Database,
    poisoned: Worker,
    start_worker: StartWorker,
    lab: ProviderLab,
) -> None:
    trace = _send(api, *poisons)
    ends = _ends(api, trace, NEIGHBOURS + len(poisons), poisoned)
    assert len(ends["UNDELIVERABLE"]) == len(poisons)
    for one in ends["UNDELIVERABLE"]:
        assert "Set aside: 3 workers" in api.message(one["id"])["error"]
    assert _mails(lab) == {f"user-{n}@example.com": 1 for n in range(NEIGHBOURS)}
    assert database.work() == []

    # Mended, and tried again by hand.
    poisoned.kill()
    start_worker("expand", "render", "route", "deliver.email")
    retried = api.post("/retries", {"setAside": True}).json()
    assert retried["count"] == len(poisons)
    again = [one["retriedAs"] for one in retried["results"]]
    assert process.wait_until(lambda: {api.message(id_)["status"] for id_ in again} == {"SENT"}, PATIENCE_S)


@pytest.mark.parametrize(
    "limits",
    [{"NOTIFY_WORKER_MAX_TASKS": "3"}, {"NOTIFY_WORKER_MAX_MEMORY_MB": "1"}],
    ids=["tasks", "memory"],
)
def test_a_worker_replaces_its_processes(
    limits: dict[str, str], api: Api, database: Database, start_worker: StartWorker, lab: ProviderLab
) -> None:
    worker = start_worker("expand", "render", "route", "deliver.email", concurrency=1, **limits)
    children = Path(f"/proc/{worker.pid}/task/{worker.pid}/children")
    before = set(children.read_text().split())
    ids = [api.send() for _ in range(3)]
    assert process.wait_until(lambda: {api.message(id_)["status"] for id_ in ids} == {"SENT"}, PATIENCE_S)
    assert process.wait_until(lambda: not before & set(children.read_text().split()), PATIENCE_S)
    assert (len(lab.of("sendgrid")), database.work()) == (3, [])


def test_what_hangs_in_a_thread_is_left_to_others(
    configured: Configure, sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    """Nobody can end a thread, and its process goes on renewing what it holds; but not forever."""
    sandbox.send()
    configured(lease_s=0.6, task_time_limit_s=1)
    with db.begin() as tx:
        held, _ = claims.take(tx, Place(stage=Stage.RENDER, lane=Lane.SINGLE), ())
    with claims.kept(held):
        assert process.wait_until(lambda: database.one("SELECT lease_until <= now() FROM work"), 20)
    assert pipeline.step(Stage.RENDER) == 1
