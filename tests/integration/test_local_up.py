"""``notify up`` for real: everything starts, what dies comes back, and nothing stays behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
import requests

from notify.local import process

TIMEOUT_S = 120


class Running:
    """``notify up`` as a child process, seen through its ready file."""

    def __init__(self, directory: Path, *options: str) -> None:
        self.directory = directory
        self.ready_file = directory / "ready.json"
        files = ["--data-dir", str(directory / "data"), "--ready-file", str(self.ready_file)]
        with (directory / "up.log").open("ab") as log:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", "notify.cli", "up", *files, *options], stdout=log, stderr=log
            )

    def wait(self) -> None:
        process.wait_until(lambda: self.ready_file.exists() or self.popen.poll() is not None, TIMEOUT_S)
        assert self.ready_file.exists(), self.log

    @property
    def log(self) -> str:
        return (self.directory / "up.log").read_text()

    @property
    def ready(self) -> dict[str, Any]:
        read: dict[str, Any] = json.loads(self.ready_file.read_text())
        return read

    def stop(self) -> int:
        self.popen.send_signal(signal.SIGTERM)
        return self.popen.wait(TIMEOUT_S)

    def send(self) -> str:
        """Send through the sandbox; the status once it is final."""
        session = requests.Session()
        session.headers["Authorization"] = f"Bearer {self.ready['api_keys']['test']}"
        message = {"to": {"email": "ada@example.com"}, "content": {"title": "Hello", "body": "It works."}}
        url = self.ready["base_url"]
        id_ = session.post(f"{url}/send", json={"message": message}).json()["requestId"]
        record: Callable[[], Any] = lambda: session.get(f"{url}/messages/{id_}").json()["status"]  # noqa: E731
        process.wait_until(lambda: record() == "SENT", timeout_s=60, every_s=0.2)
        return str(record())


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    # Not pytest's own folder: each start of pytest closes that one to PostgreSQL's user.
    with tempfile.TemporaryDirectory(prefix="notify-") as directory:
        up = Running(Path(directory))
        try:
            up.wait()
            yield up
        finally:
            up.popen.kill()


@pytest.fixture(autouse=True)
def _own_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "BROKER_URL", "NOTIFY_DATABASE_URL", "NOTIFY_BROKER_URL"):
        monkeypatch.delenv(name, raising=False)


def test_the_ready_file_says_what_a_script_needs(running: Running) -> None:
    ready = running.ready
    assert ready["database_url"].startswith("postgresql://")
    assert ready["api_keys"]["test"].startswith("pk_test_")
    assert ready["api_keys"]["production"].startswith("pk_prod_")
    assert {"postgres", "valkey", "api", "beat", "flower", "worker-email"} <= ready["pids"].keys()
    assert all(process.exists(pid) for pid in ready["pids"].values())
    assert running.ready_file.stat().st_mode & 0o077 == 0
    assert redis.Redis.from_url(ready["broker_url"]).ping()


def test_everything_serves(running: Running) -> None:
    assert requests.get(f"{running.ready['base_url']}/health/ready").ok
    assert requests.get(running.ready["flower_url"]).ok
    assert requests.get(f"{running.ready['base_url']}/messages").status_code == 401
    assert running.send() == "SENT"


def test_flower_is_closed_without_its_password(running: Running) -> None:
    host = running.ready["flower_url"].rpartition("@")[2]
    assert requests.get(f"http://{host}/").status_code == 401


def test_secrets_are_for_the_owner_only(running: Running) -> None:
    data = running.directory / "data"
    secret = [data / "instance.json", data / "valkey", data / "postgres", data / "run", data / "logs"]
    assert [path.name for path in secret if path.stat().st_mode & 0o077] == []


def test_a_second_instance_over_the_same_data_is_refused(running: Running) -> None:
    files = ["--data-dir", str(running.directory / "data")]
    second = subprocess.run(
        [sys.executable, "-m", "notify.cli", "up", *files], capture_output=True, text=True
    )
    assert second.returncode == 1
    assert "already running" in second.stderr


def test_what_is_killed_comes_back_with_a_new_pid(running: Running) -> None:
    victims = ("worker-email", "worker-pipeline", "api", "valkey", "postgres")
    before = running.ready["pids"]
    for name in victims:
        os.kill(before[name], signal.SIGKILL)

    def back() -> bool:
        now = running.ready["pids"]
        return all(now.get(name, before[name]) != before[name] for name in victims)

    assert process.wait_until(back, timeout_s=60, every_s=0.2)
    health = f"{running.ready['base_url']}/health/ready"
    assert process.wait_until(lambda: _ok(health), timeout_s=60, every_s=0.2)
    assert running.send() == "SENT"


def test_sigterm_stops_all_of_it(running: Running) -> None:
    pids = running.ready["pids"].values()
    assert running.stop() == 0
    assert [pid for pid in pids if process.exists(pid)] == []
    assert not running.ready_file.exists()


def test_it_comes_up_again_with_its_keys_and_data(running: Running) -> None:
    keys = json.loads((running.directory / "data" / "instance.json").read_text())["api_keys"]
    again = Running(running.directory, "--concurrency", "2")
    try:
        again.wait()
        assert again.ready["api_keys"] == keys
        headers = {"Authorization": f"Bearer {keys['test']}"}
        assert requests.get(f"{again.ready['base_url']}/messages", headers=headers).json()["results"]
        pids = list(again.ready["pids"].values())
        again.popen.kill()
        assert process.wait_until(lambda: not any(map(process.exists, pids)), timeout_s=60, every_s=0.2)
    finally:
        again.popen.kill()


def _ok(url: str) -> bool:
    try:
        return requests.get(url, timeout=2).ok
    except requests.RequestException:
        time.sleep(0.1)
        return False


def test_the_small_profile_serves_from_a_few_processes_that_share_their_memory() -> None:
    with tempfile.TemporaryDirectory(prefix="notify-") as directory:
        up = Running(Path(directory), "--profile", "small")
        try:
            up.wait()
            assert up.ready["pids"].keys() == {"postgres", "valkey", "api", "worker", "flower"}
            assert up.send() == "SENT"
            # What was imported once is there once: each has most of what it uses in common with others.
            for name in ("api", "worker", "flower"):
                memory = psutil.Process(up.ready["pids"][name]).memory_full_info()
                assert memory.uss < memory.rss / 2, name
            before = up.ready["pids"]["worker"]
            os.kill(before, signal.SIGKILL)
            assert process.wait_until(lambda: up.ready["pids"].get("worker", before) != before, 60, 0.2)
            assert up.send() == "SENT"
            assert up.stop() == 0
        finally:
            up.popen.kill()
