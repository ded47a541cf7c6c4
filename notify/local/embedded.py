"""Embedded servers, as processes for a supervisor and as context managers for tests.

``python -m notify.local.embedded postgres|valkey DATA_DIR [-o NAME=VALUE]`` *becomes* the server: the process
manager signals, sees and restarts the real thing. Socket, port and password stay the same over restarts.
"""

import argparse
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from notify.local import postgres, process, valkey

_START_TIMEOUT_S = 60
_STOP_TIMEOUT_S = 30


@contextmanager
def running_postgres(data_dir: Path, options: Mapping[str, str] | None = None) -> Iterator[str]:
    """A PostgreSQL over ``data_dir`` while the block runs; yields the URL of its database."""
    extra = [part for key, value in (options or {}).items() for part in ("-o", f"{key}={value}")]
    with _running("postgres", data_dir, extra, signal.SIGINT) as server:
        _await_ready(server, data_dir, "postgres")
        yield postgres.url(data_dir)
    postgres.clean_up(data_dir)


@contextmanager
def running_valkey(data_dir: Path) -> Iterator[str]:
    """A Valkey over ``data_dir`` while the block runs; yields its broker URL."""
    valkey.move_if_taken(data_dir)
    with _running("valkey", data_dir, [], signal.SIGTERM) as server:
        _await_ready(server, data_dir, "valkey")
        yield valkey.url(data_dir)


def command(server: str, data_dir: Path, extra: list[str] | None = None) -> list[str]:
    """The command line that becomes ``server``."""
    return [sys.executable, "-m", "notify.local.embedded", server, str(data_dir.absolute()), *(extra or [])]


def ready(server: str, data_dir: Path) -> bool:
    """Whether ``server`` over ``data_dir`` takes connections."""
    return postgres.ready(data_dir) if server == "postgres" else valkey.ready(data_dir)


@contextmanager
def _running(
    name: str, data_dir: Path, extra: list[str], stop: signal.Signals
) -> Iterator[subprocess.Popen[bytes]]:
    data_dir.mkdir(parents=True, exist_ok=True)
    with (data_dir / f"{name}.log").open("ab") as log:
        server = subprocess.Popen(command(name, data_dir, extra), stdout=log, stderr=log)
    try:
        yield server
    finally:
        server.send_signal(stop)
        server.wait(_STOP_TIMEOUT_S)


def _await_ready(server: subprocess.Popen[bytes], data_dir: Path, name: str) -> None:
    up = process.wait_until(lambda: ready(name, data_dir) or server.poll() is not None, _START_TIMEOUT_S)
    if not up or server.poll() is not None:
        raise RuntimeError(f"{name} did not start:\n{(data_dir / f'{name}.log').read_text()[-2000:]}")


def main(arguments: list[str] | None = None) -> None:
    """Become the server named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m notify.local.embedded")
    parser.add_argument("server", choices=["postgres", "valkey"])
    parser.add_argument("data_dir", type=Path)
    parser.add_argument(
        "-o", "--option", action="append", default=[], metavar="NAME=VALUE", help="PostgreSQL setting"
    )
    given = parser.parse_args(arguments)
    try:
        if given.server == "postgres":
            postgres.run(given.data_dir, dict(option.split("=", 1) for option in given.option))
        valkey.run(given.data_dir)
    except (OSError, RuntimeError) as error:
        sys.exit(f"{given.server}: {error}")


if __name__ == "__main__":
    main()
