"""Memory of an idle instance, process by process: ``python -m benchmarks.footprint [--profile small]``.

PSS: what a process has for itself, and its part of what it shares with others. PostgreSQL is left out:
most of what it uses it is told to (``shared_buffers``).
"""

import argparse
import json
import time
from pathlib import Path

import psutil
import requests
from rich.console import Console
from rich.table import Table

from notify.local.separate import Ready, separate_instance

_SETTLE_S = 20


def pss_mb(pid: int) -> float:
    """The proportional share of a process, in MB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def measure(up: Ready) -> dict[str, float]:
    """Each process with its children; ``notify up`` and supervisord too, PostgreSQL not."""
    pids = {name: pid for name, pid in up.pids.items() if name != "postgres"}
    used = {name: sum(map(pss_mb, _family(pid))) for name, pid in pids.items()}
    supervisord = psutil.Process(up.pids["api"]).parent()
    watcher = supervisord and supervisord.parent()
    for name, found in (("supervisord", supervisord), ("notify up", watcher)):
        used[name] = pss_mb(found.pid) if found else 0.0
    return used


def _family(pid: int) -> list[int]:
    return [pid, *(child.pid for child in psutil.Process(pid).children(recursive=True))]


def _send(up: Ready, count: int) -> None:
    """An instance that has never worked is no instance."""
    headers = {"Authorization": f"Bearer {up.api_keys['test']}"}
    message = {"to": {"email": "ada@example.com"}, "content": {"title": "Hello", "body": "It works."}}
    for _ in range(count):
        requests.post(
            f"{up.base_url}/send", headers=headers, json={"message": message}, timeout=30
        ).raise_for_status()


def show(used: dict[str, float], profile: str) -> None:
    table = Table(title=f"Idle instance, profile {profile}: PSS in MB, without PostgreSQL")
    table.add_column("process")
    table.add_column("MB", justify="right")
    for name, mb in sorted(used.items(), key=lambda item: -item[1]):
        table.add_row(name, f"{mb:.1f}")
    table.add_section()
    table.add_row("all", f"{sum(used.values()):.1f}")
    Console().print(table)
    print(json.dumps({"profile": profile, "total_mb": round(sum(used.values()), 1)}))


def run(profile: str, messages: int) -> dict[str, float]:
    with separate_instance("--profile", profile) as up:
        _send(up, messages)
        time.sleep(_SETTLE_S)
        return measure(up)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--profile", choices=["full", "small"], default="small")
    parser.add_argument("--messages", type=int, default=20, help="sent before it is left alone")
    given = parser.parse_args()
    show(run(given.profile, given.messages), given.profile)


if __name__ == "__main__":
    main()
