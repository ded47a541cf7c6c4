"""Flower as the Procfile runs it: closed but for the healthcheck."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from notify.local import process, procfile
from tests.stack import program

TIMEOUT_S = 60
AUTH = ("operator", "secret")


@pytest.fixture
def url(environment: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    port = process.free_port()
    own = {"NOTIFY_FLOWER_PORT": str(port), "NOTIFY_FLOWER_BASIC_AUTH": ":".join(AUTH)}
    for name, value in own.items():
        monkeypatch.setenv(name, value)
    extra, _, command = procfile.parsed(procfile.read()["flower"])
    log = tmp_path / "flower.log"
    with program({**environment, **own, **extra}, log, *command):
        base = f"http://127.0.0.1:{port}"
        assert process.wait_until(lambda: _status(f"{base}/healthcheck") == 200, TIMEOUT_S), log.read_text()
        yield base


def _status(url: str, auth: tuple[str, str] | None = None) -> int:
    try:
        return requests.get(url, auth=auth, timeout=5).status_code
    except requests.RequestException:
        return 0


def test_all_but_the_healthcheck_asks_for_the_password(url: str) -> None:
    for path in ("/", "/tasks", "/broker", "/metrics", "/api/tasks", "/api/workers"):
        assert _status(url + path) == _status(url + path, ("operator", "wrong")) == 401, path
    assert _status(url + "/tasks", AUTH) == 200
    assert "flower_" in requests.get(url + "/metrics", auth=AUTH, timeout=5).text
