"""Every queue is served by the Procfile and by docker-compose.yml, under the same process names."""

import re

import pytest

from notify import queue
from notify.local import procfile, programs

QUEUES = set(queue.names())
COMPOSE = (procfile.ROOT / "docker-compose.yml").read_text()


def _served(text: str) -> list[str]:
    return [name for names in re.findall(r"worker -Q (\S+)", text) for name in names.split(",")]


TEXTS = {
    "Procfile": procfile.Profile.FULL.path.read_text(),
    "Procfile.small": procfile.Profile.SMALL.path.read_text(),
    "docker-compose.yml": COMPOSE,
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_every_queue_is_served_once(text: str) -> None:
    assert sorted(_served(text)) == sorted(QUEUES)


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_single_sends_come_before_bulk(text: str) -> None:
    """Workers look at their queues in the order they are named, see ``workers.turns``."""
    for names in re.findall(r"worker -Q (\S+)", text):
        bulk = [name.endswith(".bulk") for name in names.split(",")]
        assert bulk == sorted(bulk)
        assert "maintenance" not in names.split(",")[1:]


def test_compose_runs_the_processes_of_the_procfile() -> None:
    services = set(re.findall(r"^  ([a-z-]+):$", COMPOSE.split("\nservices:")[1], re.MULTILINE))
    assert set(procfile.read()) | {"postgres", "valkey", "migrate"} <= services


def test_all_but_workers_and_beat_is_the_same_in_both_profiles() -> None:
    full, small = (procfile.read(profile.path) for profile in procfile.Profile)
    assert {name: full[name] for name in ("api", "flower")} == {
        name: command for name, command in small.items() if name != "worker"
    }


def test_beat_is_a_thread_of_the_worker_in_the_small_profile() -> None:
    small = procfile.read(procfile.Profile.SMALL.path)
    assert "--with-beat" in small["worker"]
    assert not any("--with-beat" in command for command in procfile.read().values())


def test_a_command_is_read_as_a_shell_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_FLOWER_PORT", "7777")
    monkeypatch.delenv("NOTIFY_INSTANCE", raising=False)
    command = 'env A="x y" B=${NOTIFY_FLOWER_PORT} celery -n w${NOTIFY_INSTANCE:-}@%h -c $((2 * 8))'
    parsed = procfile.parsed(command)
    assert parsed == ({"A": "x y", "B": "7777"}, 0, ["celery", "-n", "w@%h", "-c", "16"])


def test_a_command_may_give_way_to_others() -> None:
    assert procfile.parsed("env A=1 nice -n 10 celery -A x") == ({"A": "1"}, 10, ["celery", "-A", "x"])


def test_every_published_port_is_on_the_loopback_address() -> None:
    published = re.findall(r"^    ports: \[(.*)\]$", COMPOSE, re.MULTILINE)
    assert len(published) == 3
    assert all(ports.startswith('"127.0.0.1:') for ports in published)


def test_several_workers_of_a_kind_have_names_of_their_own() -> None:
    found = programs.processes(procfile.PATH, workers=3)
    names = [program.name for program in found]
    assert len(set(names)) == len(names)
    assert {"worker-email", "worker-email.2", "worker-email.3", "api", "beat"} <= set(names)
    assert "beat.2" not in names
