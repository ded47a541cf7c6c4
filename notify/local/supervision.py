"""supervisord: its generated configuration, its life, and what it says about the processes it runs."""

import os
import shlex
import signal
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from http.client import HTTPException
from pathlib import Path
from typing import Any, cast
from xmlrpc.client import Error, ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from notify.local import process

SERVERS, PROCESSES = "servers", "notify"
_STOP_TIMEOUT_S = 120
_SOCKET = "supervisor.sock"
_UNREACHABLE = (OSError, Error, HTTPException)

_HEAD = """\
[supervisord]
nodaemon=true
logfile={logs}/supervisord.log
pidfile={run}/supervisord.pid
childlogdir={logs}
{user}
[unix_http_server]
file={socket}
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory=supervisor.rpcinterface:make_main_rpcinterface
"""

# Restarted at once when it had run for a while, otherwise after 1, 2, 3... seconds; who gives up after
# `startretries` is started anew by `Supervisor.revive`, so the waits stay short and never end.
_PROGRAM = """
[program:{name}]
command={command}
directory={cwd}
environment={environment}
autostart={autostart}
autorestart=true
startsecs={startsecs}
startretries=10
stopsignal={stopsignal}
stopwaitsecs=40
killasgroup=true
redirect_stderr=true
stdout_logfile={logs}/{name}.log
stdout_logfile_maxbytes=20MB
stdout_logfile_backups=2
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One process to keep running. ``group``: servers start first and stop last."""

    name: str
    command: list[str]
    group: str
    stop: str = "TERM"
    environment: Mapping[str, str] = field(default_factory=dict)


def configuration(data_dir: Path, cwd: Path, programs: Iterable[Program]) -> str:
    """The text of supervisord's configuration file."""
    programs = list(programs)
    head = _HEAD.format(
        logs=_literal(data_dir / "logs"),
        run=_literal(data_dir / "run"),
        socket=_literal(socket_path(data_dir)),
        user="user=root\n" if os.geteuid() == 0 else "",
    )
    groups = [_group(name, order, programs) for order, name in enumerate((SERVERS, PROCESSES), start=1)]
    return head + "".join(_program(data_dir, cwd, program) for program in programs) + "".join(groups)


def _program(data_dir: Path, cwd: Path, program: Program) -> str:
    server = program.group == SERVERS
    return _PROGRAM.format(
        name=program.name,
        command=_literal(shlex.join(program.command)),
        cwd=_literal(cwd),
        environment=",".join(f'{key}="{_literal(value)}"' for key, value in program.environment.items()),
        autostart=str(server).lower(),
        startsecs=1 if server else 5,
        stopsignal=program.stop,
        logs=_literal(data_dir / "logs"),
    )


def _group(name: str, priority: int, programs: list[Program]) -> str:
    # One group for all of them: groups stop one after the other, the members of one at the same time.
    members = [program.name for program in programs if program.group == name]
    return f"\n[group:{name}]\nprograms={','.join(members)}\npriority={priority}\n" if members else ""


def _literal(value: object) -> str:
    return str(value).replace("%", "%%")


def socket_path(data_dir: Path) -> Path:
    """Where supervisord listens."""
    return process.socket_dir(data_dir / "run", _SOCKET) / _SOCKET


class Supervisor:
    """A running supervisord. It dies with this process, and its processes with it.

    ``pid``: it runs already, as a child of this process (which may have been another program then).
    """

    def __init__(self, data_dir: Path, environment: Mapping[str, str], pid: int | None = None) -> None:
        self.data_dir = data_dir
        self.pid = pid
        self.environment = environment

    def configure(self, cwd: Path, programs: Iterable[Program]) -> None:
        """Say what to run, and where."""
        text = configuration(self.data_dir, cwd, programs)
        process.ensure_private(socket_path(self.data_dir).parent)
        process.write_private(self._config, text)

    def start(self) -> None:
        """Start supervisord, which starts the servers."""
        warm = [sys.executable, "-m", "notify.local.warm", "-c", str(self._config)]
        command = [sys.executable, "-m", "notify.local.leash", *warm]
        silent = [(os.POSIX_SPAWN_OPEN, fd, os.devnull, os.O_RDWR, 0) for fd in (0, 1)]
        # A session of its own: Ctrl-C is ours to handle, since the processes are to stop in order.
        self.pid = os.posix_spawn(
            command[0], command, self.environment, file_actions=silent, setsid=True, setsigmask=()
        )

    @property
    def _config(self) -> Path:
        return self.data_dir / "run" / "supervisord.conf"

    @property
    def alive(self) -> bool:
        try:
            return self.pid is not None and os.waitpid(self.pid, os.WNOHANG) == (0, 0)
        except ChildProcessError:
            return False

    @property
    def _rpc(self) -> Any:
        # Its connection does not survive a restart of supervisord, hence one per question.
        transport = SupervisorTransport(None, None, f"unix://{socket_path(self.data_dir)}")
        return ServerProxy("http://127.0.0.1", transport=transport).supervisor

    def start_group(self, name: str) -> None:
        """Start the processes of a group; do not wait for them."""
        self._rpc.startProcessGroup(name, False)

    def processes(self) -> list[dict[str, Any]]:
        """What supervisord knows about each process; nothing while it cannot be asked."""
        try:
            return cast(list[dict[str, Any]], self._rpc.getAllProcessInfo())
        except _UNREACHABLE:
            return []

    def pids(self) -> dict[str, int]:
        """The processes that run now."""
        return {info["name"]: info["pid"] for info in self.processes() if info["pid"]}

    def given_up(self) -> bool:
        """Whether something has failed so often that supervisord no longer starts it."""
        return any(info["statename"] == "FATAL" for info in self.processes())

    def revive(self) -> None:
        """Start what supervisord has given up on, or was never asked to start (when it is a new one)."""
        for info in self.processes():
            if info["statename"] in {"FATAL", "STOPPED"}:
                with suppress(*_UNREACHABLE):
                    self._rpc.startProcess(f"{info['group']}:{info['name']}", False)

    def stop(self) -> None:
        """Stop everything: processes first and together, servers last."""
        if self.pid is None or not self.alive:
            return
        pids = self.pids()
        os.kill(self.pid, signal.SIGTERM)
        if not process.wait_until(lambda: not self.alive, _STOP_TIMEOUT_S):
            _kill_groups([self.pid, *pids.values()])
        process.drop_socket_dir(self.data_dir / "run", _SOCKET)


def _kill_groups(pids: Iterable[int]) -> None:
    for pid in pids:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(pid, signal.SIGKILL)
