"""What is known to go wrong with Celery on Redis, and the setting that keeps it from us.

docs/reliability.md lists all of these with their tests; here are those that one setting decides.
"""

import importlib
import tomllib
from pathlib import Path
from typing import Any

import pytest

from notify import settings
from notify.local import procfile, valkey

ROOT = Path(__file__).parents[2]
NEEDED = {
    "NOTIFY_DATABASE_URL": "postgresql://localhost/notify",
    "NOTIFY_BROKER_URL": "redis://localhost",
    "NOTIFY_ENCRYPTION_KEY": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
}


@pytest.fixture
def config(monkeypatch: pytest.MonkeyPatch) -> Any:
    """``celeryconfig``, read anew with Redis as its broker."""
    for name, value in NEEDED.items():
        monkeypatch.setenv(name, value)
    settings.load.cache_clear()
    yield importlib.reload(importlib.import_module("celeryconfig"))
    settings.load.cache_clear()


def workers() -> list[str]:
    commands = {**procfile.read(procfile.Profile.FULL.path), **procfile.read(procfile.Profile.SMALL.path)}
    return [command for command in commands.values() if " worker " in command]


def test_a_countdown_ends_well_before_the_broker_takes_its_task_for_lost(config: Any) -> None:
    options = config.broker_transport_options
    assert options["visibility_timeout"] >= 10 * settings.load().horizon_s
    assert options["visibility_timeout"] > config.task_time_limit


def test_a_lost_task_is_looked_for_every_second(config: Any) -> None:
    options = config.broker_transport_options
    assert (options["unacked_restore_interval"], options["unacked_restore_throttle"]) == (1, 1)


def test_a_half_open_connection_shows_itself(config: Any) -> None:
    options = config.broker_transport_options
    assert 0 < options["socket_timeout"] <= 10
    assert options["socket_keepalive"] is True
    assert 0 < options["health_check_interval"] <= 30


def test_no_worker_hoards_tasks_or_countdowns(config: Any) -> None:
    assert config.task_acks_late is True
    assert config.worker_prefetch_multiplier == 1
    assert 0 < config.worker_eta_task_limit <= 10_000


def test_a_task_that_kills_its_worker_does_not_come_back_by_the_broker(config: Any) -> None:
    assert config.task_reject_on_worker_lost is False


def test_nobody_keeps_results(config: Any) -> None:
    assert (config.result_backend, config.task_ignore_result) == (None, True)


def test_a_shutdown_waits_for_batches(config: Any) -> None:
    assert 10 <= config.worker_soft_shutdown_timeout <= 60


def test_queues_need_no_binding_on_the_broker(config: Any) -> None:
    assert {queue.exchange.name for queue in config.task_queues} == {""}
    assert config.task_default_exchange == ""


def test_workers_neither_gossip_nor_mingle_and_none_is_green() -> None:
    assert len(workers()) > 5
    for command in workers():
        assert "--without-gossip" in command
        assert "--without-mingle" in command
        assert "gevent" not in command
        assert "eventlet" not in command


def test_the_embedded_broker_evicts_nothing_and_keeps_what_it_has() -> None:
    assert "maxmemory-policy noeviction" in valkey._CONFIG
    assert "appendonly yes" in valkey._CONFIG


def test_versions_with_known_losses_are_refused() -> None:
    wanted = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    floors = dict(line.split(">=") for line in wanted if line.startswith(("celery", "kombu", "redis")))
    assert floors["celery[redis]"] >= "5.7"
    assert floors["kombu"] >= "5.7"
    assert floors["redis"] >= "6.4"
