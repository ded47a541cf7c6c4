"""The tables of docs/operations.md against the Procfile, the settings and the compose file."""

import re

import pytest
import yaml

from notify import queue
from notify.local import procfile
from notify.settings import Settings

PAGE = (procfile.ROOT / "docs" / "operations.md").read_text()
COMPOSE = yaml.safe_load((procfile.ROOT / "docker-compose.yml").read_text())["services"]
PROCESSES = dict(re.findall(r"^\| `([a-z-]+)` \|[^|]*\|[^|]*\|([^|]*)\|$", PAGE, re.MULTILINE))


def test_every_process_is_listed_with_its_queues() -> None:
    run = procfile.read()
    assert set(PROCESSES) == set(run)
    for name, cell in PROCESSES.items():
        served = re.findall(r" -Q (\S+)", run[name])
        listed = re.findall(r"`([^`]+)`", cell)
        assert sorted(listed) == sorted(served[0].split(",") if served else [])


def test_every_queue_is_listed() -> None:
    listed = re.findall(r"`([^`]+)`", " ".join(PROCESSES.values()))
    assert sorted(listed) == sorted(queue.names())


def test_every_port_is_listed() -> None:
    listed = dict(re.findall(r"^\| (\d+) \| `NOTIFY_(\w+)` \|", PAGE, re.MULTILINE))
    published = [port for each in COMPOSE.values() for port in each.get("ports", ())]
    inside = {port.rpartition(":")[2] for port in published} | {
        COMPOSE["api"]["environment"]["NOTIFY_METRICS_PORT"]
    }
    assert set(listed) == inside
    defaults = {name.upper(): str(field.default) for name, field in Settings.model_fields.items()}
    for port, setting in listed.items():
        assert defaults.get(setting, port) in {port, "0"}


@pytest.mark.parametrize("name", sorted(set(re.findall(r"NOTIFY_[A-Z_]+", PAGE))))
def test_every_setting_it_speaks_of_exists(name: str) -> None:
    known = {f"NOTIFY_{field.upper()}" for field in Settings.model_fields}
    elsewhere = (procfile.ROOT / "docker-compose.yml").read_text() + procfile.PATH.read_text()
    assert name in known or name in elsewhere


def test_every_page_and_file_it_names_exists() -> None:
    pages = re.findall(r"\]\(([a-z]+\.md)", PAGE)
    files = re.findall(r"deploy/kubernetes[\w/.-]*", PAGE)
    assert all((procfile.ROOT / "docs" / page).exists() for page in pages)
    assert all((procfile.ROOT / file).exists() for file in files)
