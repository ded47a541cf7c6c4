"""An instance of its own for a script: ``notify up`` as a child process over a temporary directory."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from notify.local import process
from notify.local.instance import InstanceError

_READY_TIMEOUT_S = 240
_STOP_TIMEOUT_S = 150
# Whatever these say is meant for the user's own instance.
_NOT_INHERITED = ("DATABASE_URL", "BROKER_URL", "ENCRYPTION_KEY", "DATA_DIR", "URL", "API_KEY")


@dataclass(frozen=True, slots=True, kw_only=True)
class Ready:
    """The ready file of an instance."""

    base_url: str
    api_keys: Mapping[str, str]
    database_url: str
    broker_url: str
    flower_url: str
    pids: Mapping[str, int]


@contextmanager
def separate_instance(*options: str, **settings: str) -> Iterator[Ready]:
    """A fresh instance while the block runs.

    ``options`` are those of ``notify up``, ``settings`` go into its environment.

    Raises:
        InstanceError: it did not start; the text is what it said.
    """
    with tempfile.TemporaryDirectory(prefix="notify-") as name:
        directory = Path(name)
        running = _start(directory, options, settings)
        try:
            yield _ready(running, directory)
        finally:
            running.terminate()
            running.wait(_STOP_TIMEOUT_S)


def _start(directory: Path, options: tuple[str, ...], settings: Mapping[str, str]) -> subprocess.Popen[bytes]:
    hidden = {name for part in _NOT_INHERITED for name in (part, f"NOTIFY_{part}")}
    environment = {name: value for name, value in os.environ.items() if name not in hidden}
    files = ["--data-dir", str(directory / "data"), "--ready-file", str(directory / "ready.json")]
    command = [sys.executable, "-m", "notify.local.leash", sys.executable, "-m", "notify.cli", "up"]
    with (directory / "up.log").open("wb") as log:
        # A session of its own: Ctrl-C in the terminal is for the script, which then stops the instance.
        return subprocess.Popen(
            [*command, *files, *options],
            env={**environment, **settings},
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _ready(running: subprocess.Popen[bytes], directory: Path) -> Ready:
    file = directory / "ready.json"
    process.wait_until(lambda: file.exists() or running.poll() is not None, _READY_TIMEOUT_S, every_s=0.1)
    if not file.exists():
        raise InstanceError((directory / "up.log").read_text(errors="replace"))
    return Ready(**json.loads(file.read_text()))
