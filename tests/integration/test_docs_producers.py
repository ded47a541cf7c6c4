"""The examples of ``docs/producers.md`` and ``docs/clients.md`` run as they stand there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from notify.local import process
from notify.manage import keys
from notify.model.names import World
from tests.integration.harness import Api, Database
from tests.stack import ROOT, StartWorker

DOCS = ROOT / "docs"


def blocks(page: str, language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", (DOCS / page).read_text(), re.DOTALL)


def block(page: str, language: str, word: str) -> str:
    (found,) = [one for one in blocks(page, language) if word in one]
    return found


def run(command: list[str], directory: Path, code: int = 0, **environment: str) -> str:
    paths = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command,
        cwd=directory,
        env={**os.environ, **paths, **environment},
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def api(base_url: str, database: Database) -> Api:
    """The test world, with a broker."""
    return Api(base_url, keys.create(World.TEST, "docs"))


def test_the_client(api: Api, tmp_path: Path) -> None:
    known = {"NOTIFY_URL": api.base_url, "NOTIFY_API_KEY": api.key}
    first, second = blocks("clients.md", "python")
    assert run([sys.executable, "-c", first], tmp_path, **known).splitlines() == [
        "True",
        "True",
        "400 message: Give exactly one of 'template' and 'content'",
        "401 This API key is not known.",
    ]
    assert run([sys.executable, "-c", second], tmp_path, **known) == "3\n"


def test_a_transaction(api: Api, database: Database, tmp_path: Path) -> None:
    url = database.url.replace("postgresql://", "postgresql+psycopg://")
    code = block("producers.md", "python", "# transaction.py")
    id_, rolled_back, refused = run([sys.executable, "-c", code], tmp_path, SHOP_URL=url).splitlines()
    assert rolled_back == "rolled back, nothing is sent: IntegrityError"
    assert refused == "refused: message: Give exactly one of 'template' and 'content'"
    assert [one["id"] for one in api.messages()] == [id_]


def test_an_outbox(api: Api, database: Database, environment: dict[str, str], tmp_path: Path) -> None:
    # One database plays both parts.
    url = database.url.replace("postgresql://", "postgresql+psycopg://")
    run([sys.executable, "-c", block("producers.md", "python", "# outbox.py")], tmp_path, SHOP_URL=url)
    with psycopg.connect(database.url) as shop:
        shop.execute(block("producers.md", "sql", "INSERT").encode())
    relay = ["notify", "relay", "--database-url", database.url, "--once"]
    assert run(relay, tmp_path, **environment) == "4 rows settled.\n"
    assert len(api.messages()) == 4


def test_celery(api: Api, environment: dict[str, str], start_worker: StartWorker, tmp_path: Path) -> None:
    start_worker("accept")
    code = block("producers.md", "python", "# celery_app.py")
    for _ in range(2):
        run([sys.executable, "-c", code], tmp_path, NOTIFY_BROKER_URL=environment["BROKER_URL"])
    assert process.wait_until(lambda: len(api.messages()) == 5, 30)


def test_a_csv_file(api: Api, tmp_path: Path) -> None:
    script = block("producers.md", "bash", "users.csv")
    said = run(["bash", "-c", script], tmp_path, code=3, NOTIFY_URL=api.base_url, NOTIFY_API_KEY=api.key)
    assert said == "3 of 3 rows: 2 accepted, 1 refused (users.csv.refused.csv says why).\n"
