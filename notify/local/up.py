"""``notify up``: one instance on this machine, from an empty directory to serving, until it is stopped.

supervisord keeps the processes of the Procfile (and the embedded servers) running; this process starts it,
gets the database ready, says when everything serves, and hands over to ``watch``. Should that be killed
outright, the kernel tells supervisord, which then stops everything in order.
"""

import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from notify import settings
from notify.local import (
    embedded,
    instance,
    lifetime,
    process,
    procfile,
    programs,
    readiness,
    supervision,
    watch,
)
from notify.local.instance import Instance, InstanceError
from notify.local.supervision import Program, Supervisor
from notify.manage import keys
from notify.model.names import World
from notify.store import db

_SERVERS_TIMEOUT_S = 60
_READY_TIMEOUT_S = 180


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """How to run the instance. ``workers``: of each kind; ``concurrency``: pool processes in each of them."""

    data_dir: Path
    port: int
    flower_port: int
    ready_file: Path | None = None
    workers: int = 1
    concurrency: int = 1
    procfile: Path = procfile.PATH


def run(options: Options, serving: Callable[[Instance, Path], None]) -> None:
    """Run the instance until SIGTERM or SIGINT; ``serving`` is called once everything does.

    Raises:
        InstanceError: it could not be started; nothing is left running.
        notify.local.lifetime.AlreadyRunning: another one runs in the same directory.
        notify.settings.SettingsError: the environment holds wrong settings.
    """
    data_dir = instance.prepare_dir(options.data_dir)
    with lifetime.alone(data_dir) as lock, lifetime.until_stopped():
        if options.ready_file:
            # One that a killed instance left behind says what is no longer true.
            options.ready_file.unlink(missing_ok=True)
        shutil.rmtree(data_dir / "run" / "metrics", ignore_errors=True)  # counts begin anew
        prepared = instance.prepare(data_dir, options.port, options.flower_port)
        supervisor = Supervisor(data_dir, _environment(prepared, data_dir, options.concurrency))
        try:
            ready = _start(supervisor, prepared, options)
            serving(ready, options.data_dir)
            if options.ready_file:
                watch.write(options.ready_file, ready.describe(supervisor.pids()))
            watch.take_over(supervisor, options.ready_file, lock)
        finally:
            watch.stop(supervisor, options.ready_file)


def _environment(prepared: Instance, data_dir: Path, concurrency: int) -> dict[str, str]:
    """What the processes inherit; set for this process too, which migrates and makes keys with it."""
    os.environ.update(prepared.environment(data_dir, concurrency))
    settings.load.cache_clear()
    settings.load()
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
    return {**os.environ, "PATH": path, "PYTHONUNBUFFERED": "1"}


def _start(supervisor: Supervisor, prepared: Instance, options: Options) -> Instance:
    servers = programs.servers(prepared.servers, supervisor.data_dir)
    processes = programs.processes(options.procfile, options.workers)
    supervisor.configure(procfile.ROOT, [*servers, *processes])
    process.say(f"Starting {', '.join(prepared.servers) or 'the process manager'}.")
    supervisor.start()
    _await_servers(supervisor, servers)
    process.say("Migrating the database.")
    ready = _with_keys(prepared, supervisor.data_dir)
    names = [one.name for one in processes]
    process.say(f"Starting {', '.join(names)}.")
    supervisor.start_group(supervision.PROCESSES)
    readiness.wait(ready, supervisor, [*prepared.servers, *names], _READY_TIMEOUT_S)
    return ready


def _await_servers(supervisor: Supervisor, servers: list[Program]) -> None:
    for name in (server.name for server in servers):
        answers = partial(embedded.ready, name, supervisor.data_dir)
        if not process.wait_until(answers, _SERVERS_TIMEOUT_S):
            raise InstanceError(readiness.complaint([name], supervisor.data_dir))
    if not process.wait_until(lambda: bool(supervisor.processes()), _SERVERS_TIMEOUT_S):
        raise InstanceError(readiness.complaint(["supervisord"], supervisor.data_dir))


def _with_keys(prepared: Instance, data_dir: Path) -> Instance:
    """The database migrated, and the instance with keys that open it."""
    db.migrate(prepared.database_url)
    found = {world.value: _key(world, prepared.api_keys.get(world)) for world in World}
    db.reset()
    ready = prepared.model_copy(update={"api_keys": found})
    instance.save(data_dir, ready)
    return ready


def _key(world: World, kept: str | None) -> str:
    """The key we kept, unless the database is another one or has lost it."""
    return kept if kept and keys.authenticate(kept) else keys.create(world, "first key of notify up")
