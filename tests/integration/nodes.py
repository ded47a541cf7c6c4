"""pytest-celery's nodes over processes: its own are Docker containers, which a test machine may lack.

A node asks very little of its container; ``ProcessContainer`` has that, and keeps the names it is asked by.
"""

import os
import signal as signals
from collections.abc import Callable

from celery import Celery
from pytest_celery import CeleryTestBroker, CeleryTestWorker

from tests.stack import Worker


class ProcessContainer:
    """A worker's process, in the words of a container."""

    def __init__(self, name: str, start: Callable[[], Worker]) -> None:
        self.name = self.id = name
        self._start = start
        self._worker = start()

    @property
    def status(self) -> str:
        return "exited" if self._worker.popen.poll() is not None else "running"

    def ready(self) -> bool:
        return self.status == "running"

    def logs(self) -> str:
        return self._worker.log.read_text()

    def kill(self, signal: str | int = "SIGKILL") -> None:
        """Send a signal; SIGKILL goes to the pool's processes, too."""
        number = signals.Signals[signal] if isinstance(signal, str) else signals.Signals(signal)
        if number is signals.SIGKILL:
            self._worker.kill()
        else:
            os.kill(self._worker.pid, number)

    def reload(self) -> None:
        """A process needs no second look."""

    def restart(self, timeout: float) -> None:
        self._worker.stop()
        self._worker = self._start()

    def wait(self, timeout: float) -> int:
        """The exit code, once it has ended by itself."""
        return self._worker.popen.wait(timeout)

    def teardown(self) -> None:
        self._worker.stop()

    # --- what only workers are asked

    def worker_name(self) -> str:
        return self.name


class ServerContainer:
    """A server that runs anyway, in the words of a container."""

    status = "running"

    def __init__(self, name: str, url: str) -> None:
        self.name = self.id = name
        self.celeryconfig = {"url": url, "host_url": url}

    def ready(self) -> bool:
        return True

    def teardown(self) -> None:
        """Whoever started it stops it."""


def worker_node(name: str, start: Callable[[], Worker], app: Celery | None = None) -> CeleryTestWorker:
    return CeleryTestWorker(ProcessContainer(name, start), app)


def broker_node(url: str) -> CeleryTestBroker:
    return CeleryTestBroker(ServerContainer("broker", url))
