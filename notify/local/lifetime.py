"""How long an instance lives: alone in its directory, until SIGTERM, SIGINT or SIGHUP."""

import fcntl
import os
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn, TextIO

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class AlreadyRunning(OSError):
    """An instance runs over the same data."""


class _Stop(BaseException):
    """A signal asks us to stop."""


@contextmanager
def alone(data_dir: Path) -> Iterator[TextIO]:
    """Hold the directory by the file this yields: two instances over the same data would destroy it.

    Raises:
        AlreadyRunning: another one holds it.
    """
    with (data_dir / "run" / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise AlreadyRunning(f"an instance is already running in {data_dir}") from None
        yield lock


@contextmanager
def until_stopped() -> Iterator[None]:
    """Leave the block at the first of these signals."""
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
        yield
    except _Stop:
        return


def become(arguments: Sequence[str], environment: Mapping[str, str]) -> NoReturn:
    """Have another Python program take this process over; signals wait until it says ``until_stopped``."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    os.execve(sys.executable, [sys.executable, *arguments], environment)


def no_more_signals() -> None:
    """Stopping is under way and not to be cut short."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(_number: int, _frame: object) -> None:
    raise _Stop
