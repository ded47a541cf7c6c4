"""Every queue is served by the Procfile and by docker-compose.yml, under the same process names."""

import re

import pytest

from notify import queue
from notify.local import procfile, programs

QUEUES = {queue.queue_of(place) for place in queue.places()} | {queue.MAINTENANCE}
COMPOSE = (procfile.ROOT / "docker-compose.yml").read_text()


def _served(text: str) -> list[str]:
    return [name for names in re.findall(r"worker -Q (\S+)", text) for name in names.split(",")]


@pytest.mark.parametrize("text", [procfile.PATH.read_text(), COMPOSE], ids=["Procfile", "docker-compose.yml"])
def test_every_queue_is_served_once(text: str) -> None:
    assert sorted(_served(text)) == sorted(QUEUES)


def test_compose_runs_the_processes_of_the_procfile() -> None:
    services = set(re.findall(r"^  ([a-z-]+):$", COMPOSE.split("\nservices:")[1], re.MULTILINE))
    assert set(procfile.read()) | {"postgres", "valkey", "migrate"} <= services


def test_every_published_port_is_on_the_loopback_address() -> None:
    published = re.findall(r"^    ports: \[(.*)\]$", COMPOSE, re.MULTILINE)
    assert len(published) == 2
    assert all(ports.startswith('"127.0.0.1:') for ports in published)


def test_several_workers_of_a_kind_have_names_of_their_own() -> None:
    found = programs.processes(procfile.PATH, workers=3)
    names = [program.name for program in found]
    assert len(set(names)) == len(names)
    assert {"worker-email", "worker-email.2", "worker-email.3", "api", "beat"} <= set(names)
    assert "beat.2" not in names
