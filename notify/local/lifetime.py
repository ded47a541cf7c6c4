"""How long an instance lives: alone in its directory, until SIGTERM, SIGINT or SIGHUP."""

import fcntl
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notify.local.instance import InstanceError

_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


class _Stop(BaseException):
    """A signal asks us to stop."""


@contextmanager
def alone(data_dir: Path) -> Iterator[None]:
    """Hold the directory: two instances over the same data would destroy it.

    Raises:
        InstanceError: another one holds it.
    """
    with (data_dir / "run" / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise InstanceError(f"an instance is already running in {data_dir}") from None
        yield


@contextmanager
def until_stopped() -> Iterator[None]:
    """Leave the block at the first of these signals."""
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        yield
    except _Stop:
        return


def no_more_signals() -> None:
    """Stopping is under way and not to be cut short."""
    for number in _SIGNALS:
        signal.signal(number, signal.SIG_IGN)


def _stop(_number: int, _frame: object) -> None:
    raise _Stop
