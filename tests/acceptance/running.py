"""``notify up`` as a stranger runs it: a child process, known by its ready file, its API and its logs."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import requests
from courier import Courier

from notify.local import process
from notify.local.separate import Ready

START_TIMEOUT_S = 240
PATIENCE_S = 120
LOOK_EVERY_S = 0.05
# Whatever these say is meant for somebody else's instance.
_NOT_INHERITED = ("NOTIFY_", "COURIER_")
_NOT_INHERITED_EITHER = {"DATABASE_URL", "BROKER_URL"}

QUICK = {
    "NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8",
    "NOTIFY_RETRY_WAITS_S": "0.2,0.2,0.5",
    "NOTIFY_LEASE_S": "3",
    "NOTIFY_RECONCILE_EVERY_S": "1",
    "NOTIFY_RECONCILE_GRACE_S": "1",
    "NOTIFY_BREAKER_THRESHOLD": "0",
    "NOTIFY_AUTH_FAILURES_PER_MINUTE": "0",
}
"""Settings that make retries and recovery quick enough to be waited for; and the way to local servers.

What one test does to a provider must not open its circuit for the next.
"""

T = TypeVar("T")


@dataclass(slots=True)
class Running:
    """One instance. ``directory`` holds its data, its ready file and what it has printed."""

    directory: Path
    settings: Mapping[str, str] = field(default_factory=lambda: QUICK)
    popen: subprocess.Popen[bytes] | None = None

    @property
    def data_dir(self) -> Path:
        return self.directory / "data"

    @property
    def ready_file(self) -> Path:
        return self.directory / "ready.json"

    @property
    def said(self) -> str:
        return (self.directory / "up.log").read_text(errors="replace")

    @property
    def ready(self) -> Ready:
        """The ready file as it is now: pids change when processes are started again."""
        return Ready(**json.loads(self.ready_file.read_text()))

    def start(self) -> None:
        self.ready_file.unlink(missing_ok=True)
        command = [sys.executable, "-m", "notify.local.leash", sys.executable, "-m", "notify.cli", "up"]
        files = ["--data-dir", str(self.data_dir), "--ready-file", str(self.ready_file)]
        with (self.directory / "up.log").open("wb") as log:
            self.popen = subprocess.Popen(
                [*command, *files],
                env={**clean_environment(), **self.settings},
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        done = lambda: self.ready_file.exists() or self.popen.poll() is not None  # noqa: E731
        process.wait_until(done, START_TIMEOUT_S, every_s=0.1)
        assert self.ready_file.exists(), self.said

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.popen is not None
        self.popen.terminate()
        return self.popen.wait(PATIENCE_S * 2)

    def kill(self) -> None:
        """What a power cut does: everything dies at once."""
        assert self.popen is not None
        managers = (self.popen.pid, self.supervisor)
        kill(*managers, *self.family() - {*managers})
        self.popen.wait(PATIENCE_S)

    @property
    def supervisor(self) -> int:
        """The process that starts the others, and starts them again."""
        return int((self.data_dir / "run" / "supervisord.pid").read_text())

    def client(self, world: str = "test", **options: Any) -> Courier:
        """The official client, as its users make it."""
        ready = self.ready
        return Courier(api_key=ready.api_keys[world], base_url=ready.base_url, **options)

    def http(self, world: str = "test") -> "Http":
        """Plain HTTP, for what the client would not say."""
        ready = self.ready
        return Http(ready.base_url, ready.api_keys[world])

    def family(self) -> set[int]:
        """Every process of the instance."""
        assert self.popen is not None
        return {self.popen.pid, *descendants(self.popen.pid)}

    def servants(self) -> dict[str, frozenset[int]]:
        """The processes of the Procfile, each with those it has made: a worker's pool, for instance."""
        pids = self.ready.pids
        return {
            name: frozenset({pid, *descendants(pid)})
            for name, pid in pids.items()
            if name not in {"postgres", "valkey"}
        }


@dataclass(frozen=True, slots=True)
class Http:
    """An API, with the key of one of its worlds."""

    base_url: str
    key: str

    def __call__(self, method: str, path: str, **rest: Any) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.key}", **rest.pop("headers", {})}
        return requests.request(
            method, self.base_url + path, headers=headers, **{"timeout": PATIENCE_S, **rest}
        )

    def send(self, message: Any, **rest: Any) -> requests.Response:
        return self("POST", "/send", json={"message": message}, **rest)


@contextmanager
def running(directory: Path, **settings: str) -> Iterator[Running]:
    """An instance while the block runs; whatever happens, nothing of it is left behind."""
    instance = Running(directory, {**QUICK, **settings})
    family: set[int] = set()
    try:
        instance.start()
        family = instance.family()
        yield instance
    finally:
        _end(instance, family)


def _end(instance: Running, family: set[int]) -> None:
    if instance.popen is None or instance.popen.poll() is not None:
        return
    family |= instance.family()
    for pid in family:
        _signal(pid, signal.SIGCONT)  # a test that failed may have left some of them stopped
    try:
        instance.stop()
    finally:
        for pid in family & {instance.popen.pid, *descendants(instance.popen.pid)}:
            _signal(pid, signal.SIGKILL)


def clean_environment() -> dict[str, str]:
    """Our environment without anything that speaks of an instance."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(_NOT_INHERITED) and name not in _NOT_INHERITED_EITHER
    }


def descendants(pid: int) -> set[int]:
    """All children of a process, and theirs."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        try:
            children = {int(child) for child in task.read_text().split()}
        except OSError:
            continue
        found |= children.union(*map(descendants, children))
    return found


def exists(pid: int) -> bool:
    """Whether it runs; a dead process that nobody has asked about yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


def stop_all(pids: Iterable[int]) -> None:
    """Freeze processes, as a machine that hangs does."""
    for pid in pids:
        _signal(pid, signal.SIGSTOP)


def go_on(pids: Iterable[int]) -> None:
    for pid in pids:
        _signal(pid, signal.SIGCONT)


def kill(*pids: int) -> None:
    """kill -9."""
    for pid in pids:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def until(ask: Callable[[], T], what: str = "", patience_s: float = PATIENCE_S) -> T:
    """The first answer of ``ask`` that is true; fails when none comes in time."""
    answer = ask()
    if not answer:
        box = [answer]

        def looked() -> bool:
            box[0] = ask()
            return bool(box[0])

        came = process.wait_until(looked, patience_s, every_s=LOOK_EVERY_S)
        answer = box[0]
        assert came, f"not within {patience_s} s: {what or ask}: {answer!r}"
    return answer
