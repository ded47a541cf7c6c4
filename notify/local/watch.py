"""The watcher of a running instance: what ``notify up`` turns into once everything serves.

It sees to it that supervisord runs, keeps the ready file true, and stops all in order. It is a program of its
own to forget what starting took: what ``notify up`` had imported is several times as large as this.
"""

import argparse
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn, Protocol

from notify.local import lifetime, postgres, process
from notify.local.supervision import Supervisor

_LOOK_EVERY_S = 0.5


class Fileno(Protocol):
    """An open file."""

    def fileno(self) -> int: ...


def take_over(supervisor: Supervisor, ready_file: Path | None, lock: Fileno) -> NoReturn:
    """Turn this process into the watcher of the instance, whose directory it goes on holding."""
    os.set_inheritable(lock.fileno(), True)
    files = ["--ready-file", str(ready_file.absolute())] if ready_file else []
    pids = ["--supervisor", str(supervisor.pid), "--lock", str(lock.fileno())]
    command = ["-m", "notify.local.watch", str(supervisor.data_dir), *pids, *files]
    lifetime.become(command, supervisor.environment)


def stop(supervisor: Supervisor, ready_file: Path | None) -> None:
    """Stop everything in order, and leave nothing that says it runs."""
    lifetime.no_more_signals()
    process.say("Stopping.")
    supervisor.stop()
    postgres.clean_up(supervisor.data_dir)
    if ready_file:
        ready_file.unlink(missing_ok=True)


def write(ready_file: Path, description: dict[str, object]) -> None:
    """Write the ready file."""
    process.write_private(ready_file.absolute(), json.dumps(description, indent=2) + "\n")


def _watch(supervisor: Supervisor, ready_file: Path | None) -> NoReturn:
    """Watch the watcher, too: when supervisord is killed, what it ran stops, and a new one starts it."""
    while True:
        if not supervisor.alive:
            supervisor.start()
        supervisor.revive()
        pids = supervisor.pids()
        if ready_file and pids:
            _keep_true(ready_file, pids)
        time.sleep(_LOOK_EVERY_S)


def _keep_true(ready_file: Path, pids: dict[str, int]) -> None:
    description = json.loads(ready_file.read_text())
    if description["pids"] != pids:
        write(ready_file, {**description, "pids": pids})


def main(arguments: Sequence[str] | None = None) -> None:
    """Watch until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m notify.local.watch")
    parser.add_argument("data_dir", type=Path)
    parser.add_argument("--supervisor", type=int, required=True, help="pid of supervisord, our child")
    parser.add_argument("--lock", type=int, required=True, help="the open file that holds the directory")
    parser.add_argument("--ready-file", type=Path)
    given = parser.parse_args(arguments)
    os.set_inheritable(given.lock, False)
    supervisor = Supervisor(given.data_dir, os.environ, given.supervisor)
    with lifetime.until_stopped():
        try:
            _watch(supervisor, given.ready_file)
        finally:
            stop(supervisor, given.ready_file)


if __name__ == "__main__":
    main()
