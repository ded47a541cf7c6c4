"""The workers' application with content that is death to it: ``celery -A tests.poisoned worker``.

A message whose data has ``poison`` does to its worker what the word says, at the stage that it names:
``render:segfault``. It does so whenever it is tried, as a broken library would.
"""

import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

from notify.pipeline import calling, rendering
from workers.app import app as app


def _hang() -> None:
    end = time.monotonic() + 3600
    while time.monotonic() < end:
        sum(range(1000))


def _hang_deaf() -> None:
    """As C code does that never comes back."""
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
    _hang()


def _memory() -> None:
    bytearray(1 << 60)


POISONS: Mapping[str, Callable[[], object]] = {
    "segfault": lambda: ctypes.string_at(0),
    "killed": lambda: os.kill(os.getpid(), signal.SIGKILL),
    "exit": lambda: os._exit(1),
    "hang": _hang,
    "hang_deaf": _hang_deaf,
    "memory": _memory,
}


def _take(stage: str, body: Mapping[str, Any]) -> None:
    data = body["to"].get("data") or {}
    wanted, _, poison = str(data.get("poison", "")).partition(":")
    if wanted == stage:
        POISONS[poison]()


_render, _prepare = rendering.render, calling._prepare


def _render_poisoned(stored: Any, *rest: Any) -> Any:
    _take("render", stored.body)
    return _render(stored, *rest)


def _prepare_poisoned(job: Any, *rest: Any) -> Any:
    _take("deliver", job.message.body)
    return _prepare(job, *rest)


rendering.render = _render_poisoned
calling._prepare = _prepare_poisoned
