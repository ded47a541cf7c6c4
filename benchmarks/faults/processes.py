"""Processes by name: started, killed, frozen, stopped in order, and started again when they die."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from notify.local.process import wait_until

_LOOK_EVERY_S = 0.1
_PATIENCE_S = 60
SERVERS = {"postgres", "valkey", "rabbitmq"}
_GONE = (psutil.NoSuchProcess, ProcessLookupError)


@dataclass(slots=True)
class Process:
    """One process with all that it forks; ``wanted``: it is started again when it dies."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    cwd: Path | None = None
    popen: subprocess.Popen[bytes] | None = None
    wanted: bool = False
    starts: int = 0
    lock: threading.RLock = field(default_factory=threading.RLock)

    def start(self) -> None:
        with self.lock, self.log.open("ab") as log:
            self._sweep()
            self.popen = subprocess.Popen(
                self.command,
                cwd=self.cwd,
                env={**os.environ, **self.environment},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            self.wanted = True
            self.starts += 1

    def _sweep(self) -> None:
        """What an earlier life has left behind ends now."""
        if self.popen is not None:
            with suppress(*_GONE, PermissionError):
                os.killpg(self.popen.pid, signal.SIGKILL)

    @property
    def alive(self) -> bool:
        return self.popen is not None and self.popen.poll() is None

    def family(self) -> list[int]:
        """The process and its children, parents first."""
        if self.popen is None:
            return []
        try:
            parent = psutil.Process(self.popen.pid)
            return [parent.pid, *(child.pid for child in parent.children(recursive=True))]
        except _GONE:
            return []

    def send(self, number: signal.Signals, pids: Sequence[int] | None = None) -> None:
        for pid in self.family() if pids is None else pids:
            with suppress(*_GONE):
                os.kill(pid, number)

    def kill(self, pids: Sequence[int] | None = None) -> None:
        """kill -9, children included unless ``pids`` says which."""
        self.send(signal.SIGKILL, pids)

    def freeze(self) -> None:
        # Twice: the parent may have forked before it froze.
        self.send(signal.SIGSTOP)
        self.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.send(signal.SIGCONT)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """End it in good order, and do not start it again; its exit code."""
        self.wanted = False
        assert self.popen is not None
        with suppress(*_GONE):
            self.popen.send_signal(number)
        try:
            return self.popen.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.kill()
            return self.popen.wait(_PATIENCE_S)

    def memory(self) -> int:
        """Resident bytes of the family."""
        total = 0
        for pid in self.family():
            with suppress(*_GONE):
                total += psutil.Process(pid).memory_info().rss
        return total


class Processes:
    """All of them; a thread starts again what has died, as a process manager does."""

    def __init__(self, died: Callable[[str, float], None]) -> None:
        self._all: dict[str, Process] = {}
        self._died = died
        self._closing = threading.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def add(self, process: Process) -> Process:
        self._all[process.name] = process
        return process

    def __getitem__(self, name: str) -> Process:
        return self._all[name]

    def like(self, prefix: str) -> list[Process]:
        return [process for name, process in self._all.items() if name.startswith(prefix)]

    def _keep(self) -> None:
        while not self._closing.wait(_LOOK_EVERY_S):
            for process in list(self._all.values()):
                if process.wanted and not process.alive:
                    with process.lock:
                        if process.wanted and not process.alive:
                            self._died(process.name, time.time())
                            process.start()
        # What this thread has started is sent a signal by the kernel when the thread ends.
        self._ended.wait()

    def close(self) -> None:
        """End everything, servers last."""
        self._closing.set()
        ours = [process for process in self._all.values() if process.name not in SERVERS]
        servers = [process for process in self._all.values() if process.name in SERVERS]
        for process in (*ours, *servers):
            process.wanted = False
            process.thaw()
        for process in ours:
            process.kill()
        for process in servers:
            process.send(signal.SIGINT, process.family()[:1])
        for process in (*ours, *servers):
            self._end(process)
        self._ended.set()
        self._thread.join()

    @staticmethod
    def _end(process: Process) -> None:
        if not wait_until(lambda: not process.alive, 20):
            process.kill()
        if process.popen is not None:
            process.popen.wait(_PATIENCE_S)
            with suppress(*_GONE, PermissionError):
                os.killpg(process.popen.pid, signal.SIGKILL)
