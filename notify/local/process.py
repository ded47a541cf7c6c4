"""Processes of one machine: free ports, short socket paths, waiting, and children that do not outlive us."""

import ctypes
import hashlib
import os
import random
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_PR_SET_NAME = 15
# The kernel hands out 32768 and up for outgoing connections; below that a port that is free now stays free.
_PORTS = range(20000, 32000)
# sun_path holds 108 bytes on Linux, 104 on macOS, the final NUL included.
_SOCKET_PATH_MAX = 103


def die_with_parent(sig: signal.Signals = signal.SIGTERM) -> None:
    """Have the kernel send us ``sig`` when our parent dies, even by kill -9 (Linux; nothing elsewhere)."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, int(sig))


def name_it(name: str) -> None:
    """Have ``ps`` and ``top`` call this process by ``name`` (Linux; nothing elsewhere)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_NAME, name.encode()[:15])


def exists(pid: int) -> bool:
    """Whether a process has this number, whoever's it is."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def working_in(directory: Path) -> list[int]:
    """The processes whose working directory this is, as far as we may look (Linux; none elsewhere)."""
    return [
        int(link.parent.name) for link in Path("/proc").glob("[0-9]*/cwd") if _target(link) == str(directory)
    ]


def _target(link: Path) -> str | None:
    try:
        return os.readlink(link)
    except OSError:
        return None


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen on ``port`` now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True


def free_port(preferred: int | None = None) -> int:
    """``preferred`` if it is free, else any port that is."""
    if preferred and is_free(preferred):
        return preferred
    return next(port for port in random.sample(_PORTS, len(_PORTS)) if is_free(port))


def socket_dir(directory: Path, name: str) -> Path:
    """Where the Unix socket ``name`` of ``directory`` goes: there, or, were that too long, a stand-in."""
    if len(os.fsencode(directory / name)) <= _SOCKET_PATH_MAX:
        return directory
    digest = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return Path("/tmp") / f"notify-{digest}"  # noqa: S108  # TMPDIR may be long itself


def drop_socket_dir(directory: Path, name: str) -> None:
    """Remove the stand-in of ``socket_dir``, if there is one and its server has left it."""
    stand_in = socket_dir(directory, name)
    if stand_in != directory:
        with suppress(OSError):
            stand_in.rmdir()


def ensure_private(directory: Path, uid: int | None = None, mode: int = 0o700) -> Path:
    """Make ``directory`` with ``mode`` for ``uid`` (default: us).

    Raises:
        PermissionError: somebody else's directory or a link is in its place.
    """
    owner = os.geteuid() if uid is None else uid
    try:
        directory.mkdir(parents=True, mode=mode)
        os.chown(directory, owner, -1)
    except FileExistsError:
        found = directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != owner:
            raise PermissionError(f"{directory} belongs to another user: remove it") from None
    directory.chmod(mode)
    return directory


def write_private(path: Path, text: str) -> None:
    """Write ``text`` so that readers see the old file or the new one, and nobody else sees either."""
    new = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    new.replace(path)


def say(text: str) -> None:
    """A line of progress, for whoever started us."""
    # Who listened may have gone; what runs is to be kept running, and stopped in order, all the same.
    with suppress(OSError):
        print(text, flush=True)


def wait_until(ready: Callable[[], bool], timeout_s: float, every_s: float = 0.02) -> bool:
    """Ask ``ready`` until it says yes; False when ``timeout_s`` went by."""
    deadline = time.monotonic() + timeout_s
    while not ready():
        if time.monotonic() > deadline:
            return False
        time.sleep(every_s)
    return True
