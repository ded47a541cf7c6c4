"""Whether an instance serves: API, Flower and every worker answer, every process runs."""

import time
from collections.abc import Callable
from pathlib import Path

import requests
from celery import Celery

from notify.local.instance import Instance, InstanceError
from notify.local.supervision import Supervisor

_ASK_TIMEOUT_S = 1.0


def wait(ready: Instance, supervisor: Supervisor, names: list[str], timeout_s: float) -> None:
    """Wait until all of the instance serves.

    Raises:
        InstanceError: it did not within ``timeout_s``; the text names what was missing, with its log.
    """
    deadline = time.monotonic() + timeout_s
    while waiting := _missing(ready, names, supervisor):
        if time.monotonic() > deadline or not supervisor.alive or supervisor.given_up():
            raise InstanceError(complaint(waiting, supervisor.data_dir))
        time.sleep(0.2)


def _missing(ready: Instance, names: list[str], supervisor: Supervisor) -> list[str]:
    """What does not serve yet; cheap questions first, so that asking does not slow down what starts."""
    running = supervisor.pids()
    checks: list[Callable[[], list[str]]] = [
        lambda: [name for name in names if name not in running],
        lambda: [] if "api" not in names or _answers(f"{ready.base_url}/health/ready") else ["api"],
        lambda: [] if "flower" not in names or _answers(f"{ready.flower_url}/healthcheck") else ["flower"],
        lambda: _silent_workers(ready.broker_url, [name for name in names if name.startswith("worker")]),
    ]
    return next((missing for check in checks if (missing := check())), [])


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=_ASK_TIMEOUT_S).ok
    except requests.RequestException:
        return False


def _silent_workers(broker_url: str, names: list[str]) -> list[str]:
    """The workers that take no tasks yet: they answer a ping once they consume."""
    if not names:
        return []
    with Celery(broker=broker_url, set_as_current=False) as app:
        answers = app.control.ping(timeout=_ASK_TIMEOUT_S, limit=len(names))
    answered = {node.partition("@")[0] for answer in answers for node in answer}
    return [name for name in names if name not in answered]


def complaint(names: list[str], data_dir: Path) -> str:
    """Which processes do not serve, and the end of their logs (what ails many is seen in a few)."""
    logs = [data_dir / "logs" / f"{name}.log" for name in names[:3]]
    return "\n\n".join(f"{log.stem} does not serve. The end of {log}:\n{_tail(log)}" for log in logs)


def _tail(path: Path, lines: int = 15) -> str:
    try:
        return "\n".join(path.read_text(errors="replace").splitlines()[-lines:])
    except OSError:
        return "(there is none)"
