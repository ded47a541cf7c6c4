"""Beat as a thread of a worker: periodic tasks run, it stops with the worker, a stumble does not end it."""

import subprocess
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from notify.local import process
from notify.queue import celery
from tests.integration.conftest import Configure
from tests.stack import program
from workers import clockwork

TIMEOUT_S = 60
WORKER = ("celery", "-A", "workers.app", "worker", "-Q", "maintenance", "-P", "threads", "-c", "2")


def test_the_periodic_tasks_run_and_it_stops_with_the_worker(
    environment: dict[str, str], configured: Configure, tmp_path: Path
) -> None:
    log, schedule = tmp_path / "worker.log", tmp_path / "schedule"
    quick = {"NOTIFY_DISPATCH_EVERY_S": "0.5", "NOTIFY_LOG_LEVEL": "info"}
    beating = ("--with-beat", "--schedule-filename", str(schedule))
    with program({**environment, **quick}, log, *WORKER, *beating) as worker:
        done = process.wait_until(lambda: log.read_text().count("dispatch.done") >= 2, TIMEOUT_S)
        assert done, log.read_text()
        worker.popen.terminate()
        try:
            assert worker.popen.wait(TIMEOUT_S) == 0
        except subprocess.TimeoutExpired:
            pytest.fail(log.read_text())
    assert list(tmp_path.glob("schedule*")), "what ran when is written down"


def test_it_begins_anew_after_a_stumble(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, stopped = [], Event()

    class Service:
        def __init__(self, *_: Any, **__: Any) -> None: ...

        def start(self) -> None:
            begun.append(self)
            if len(begun) == 1:
                raise OSError("the broker is away")
            stopped.wait(TIMEOUT_S)

        def stop(self) -> None:
            stopped.set()

    monkeypatch.setattr(clockwork, "Service", Service)
    monkeypatch.setattr(clockwork, "_AGAIN_AFTER_S", 0.01)
    beat = clockwork.Beat(celery, None)
    beat.start()
    assert process.wait_until(lambda: len(begun) == 2, TIMEOUT_S)
    beat.stop()
    assert not beat.is_alive()
