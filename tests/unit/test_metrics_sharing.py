"""Counting together: processes that share a directory, one after the other and at once, forked and killed."""

import subprocess
import sys
from pathlib import Path

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

COUNT = """
import os, sys
from pathlib import Path
from notify import metrics

metrics.share(Path(sys.argv[1]))
metrics.ACCEPTED.labels("test").inc()
metrics.TASK_SUCCESS.labels("render").set(int(sys.argv[2]))
"""
FORK = """
for _ in range(3):
    if os.fork() == 0:
        metrics.ACCEPTED.labels("test").inc()
        os._exit(0)
    os.wait()
metrics.ACCEPTED.labels("test").inc()
"""
KILL = "os.kill(os.getpid(), 9)"
HOLD = "print('ready', flush=True); sys.stdin.read()"


def run(directory: Path, more: str = "", at: int = 1) -> None:
    command = [sys.executable, "-c", COUNT + more, str(directory), str(at)]
    subprocess.run(command, check=more != KILL, timeout=60)


def read(directory: Path, name: str) -> float:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(directory))
    labels = {"world": "test"} if name == "notify_accepted_total" else {"task": "render"}
    found = registry.get_sample_value(name, labels)
    assert found is not None
    return found


def files(directory: Path) -> int:
    return len(list(directory.glob("counter_*.db")))


def test_one_process_after_another_goes_on_with_the_same_file(tmp_path: Path) -> None:
    run(tmp_path)
    run(tmp_path, KILL)
    run(tmp_path)
    assert (read(tmp_path, "notify_accepted_total"), files(tmp_path)) == (3, 1)


def test_a_fork_has_a_file_of_its_own_and_leaves_it_to_the_next(tmp_path: Path) -> None:
    run(tmp_path, FORK)
    assert (read(tmp_path, "notify_accepted_total"), files(tmp_path)) == (5, 2)


def test_processes_at_once_do_not_overwrite_each_other(tmp_path: Path) -> None:
    command = [sys.executable, "-c", COUNT + HOLD, str(tmp_path), "1"]
    held = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert held.stdin
    assert held.stdout
    assert held.stdout.readline() == b"ready\n"
    run(tmp_path)
    held.communicate(timeout=60)
    assert (read(tmp_path, "notify_accepted_total"), files(tmp_path)) == (2, 2)


def test_of_times_the_latest_counts(tmp_path: Path) -> None:
    run(tmp_path, FORK, at=7)
    run(tmp_path, at=9)
    assert read(tmp_path, "notify_task_last_success_timestamp_seconds") == 9
