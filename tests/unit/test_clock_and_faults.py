"""One clock for all machines, and the fault points, which do nothing unless they are asked twice."""

import importlib
import json
import os
import pickle
import signal
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from notify import clock, faults, settings
from notify.settings import Settings

HOUR = timedelta(hours=1)
NEEDED = {
    "NOTIFY_DATABASE_URL": "postgresql://localhost/notify",
    "NOTIFY_BROKER_URL": "redis://localhost",
    "NOTIFY_ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


@pytest.fixture(autouse=True)
def clean(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A process that has asked no database, and has no faults."""
    monkeypatch.setattr(clock, "_anchor", None)
    monkeypatch.setattr(clock, "_asked_at", float("-inf"))
    monkeypatch.setattr(faults, "_armed", None)
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    settings.load.cache_clear()
    yield
    clock.put_ahead(None)
    settings.load.cache_clear()


def every_5_s() -> Any:
    """Beat's interval; the module reads the settings when it is imported."""
    return importlib.import_module("celeryconfig").Every(5.0)


def near(at: datetime) -> bool:
    return abs(clock.now() - at) < timedelta(seconds=5)


def test_before_it_has_asked_a_process_goes_by_its_machines_clock() -> None:
    clock.put_ahead(lambda: HOUR)
    assert near(datetime.now(UTC) + HOUR)


def test_once_agreed_a_jump_of_the_machines_clock_is_not_seen() -> None:
    at = datetime.now(UTC)
    clock.agree(at)
    clock.put_ahead(lambda: HOUR)
    assert near(at)
    clock.put_ahead(lambda: -HOUR)
    assert near(at)


def test_the_databases_clock_is_followed() -> None:
    clock.agree(datetime.now(UTC))
    clock.agree(datetime.now(UTC) - HOUR)
    assert near(datetime.now(UTC) - HOUR)
    assert not clock.wants_agreement()


@pytest.mark.parametrize("jump", [HOUR, -HOUR], ids=["ahead", "back"])
def test_beat_keeps_its_beat_when_the_clock_jumps(jump: timedelta) -> None:
    every = pickle.loads(pickle.dumps(every_5_s()))  # as beat keeps it
    began = every.now()
    clock.put_ahead(lambda: jump)
    assert near(began)
    assert not every.is_due(began).is_due
    assert every.is_due(began - timedelta(seconds=6)).is_due


def test_what_an_earlier_beat_did_in_the_future_is_due() -> None:
    every = every_5_s()
    assert every.is_due(every.now() + HOUR).is_due


# --- fault points


def test_faults_have_to_be_asked_for_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_FAULT_POINTS", "deliver.called:kill")
    with pytest.raises(ValidationError, match="NOTIFY_FAULT_INJECTION"):
        Settings()
    monkeypatch.setenv("NOTIFY_FAULT_INJECTION", "true")
    assert Settings().fault_points == "deliver.called:kill"


def test_nothing_happens_unless_armed() -> None:
    faults.arm()
    faults.hit("deliver.called")
    faults.commit("before")


@pytest.mark.parametrize("text", ["deliver.called", "a:explode", "a:kill:2", "a:kill:often"])
def test_a_rule_that_says_nothing_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        faults.parse(text)


@pytest.fixture
def steered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A process that is armed, and its directory."""
    monkeypatch.setattr(faults, "_LOOK_EVERY_S", 0.0)
    monkeypatch.setenv("NOTIFY_FAULT_INJECTION", "true")
    monkeypatch.setenv("NOTIFY_FAULT_DIR", str(tmp_path))
    settings.load.cache_clear()
    faults.arm()
    return tmp_path


def test_rules_are_steered_while_the_process_runs(steered: Path) -> None:
    faults.hit("publish.before")
    (steered / "points").write_text("publish.*:fail")
    with pytest.raises(faults.Failed):
        faults.hit("publish.before")
    faults.hit("deliver.called")
    (steered / "points").unlink()
    faults.hit("publish.before")
    (line,) = (steered / "log").read_text().splitlines()
    assert json.loads(line)["point"] == "publish.before"


def test_once_is_once_among_all_processes(steered: Path) -> None:
    (steered / "points").write_text("publish.*:fail:once")
    with pytest.raises(faults.Failed):
        faults.hit("publish.before")
    faults.hit("publish.before")
    faults.arm()
    faults.hit("publish.before")


def test_a_kill_is_a_kill_and_is_written_down(steered: Path) -> None:
    (steered / "points").write_text("deliver.called:kill")
    child = os.fork()
    if child == 0:
        faults.hit("deliver.called")
        os._exit(0)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    assert json.loads((steered / "log").read_text())["pid"] == child


def test_the_clock_is_steered(steered: Path) -> None:
    (steered / "clock").write_text("3600")
    assert near(datetime.now(UTC) + HOUR)
