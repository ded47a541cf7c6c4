"""The Procfile: which processes Notify consists of.

``python -m notify.local.procfile NAME`` becomes the process ``NAME``, tied to the life of its parent, so that
a process manager killed outright leaves nobody behind.
"""

import os
import subprocess
import sys
from enum import StrEnum
from pathlib import Path
from typing import NoReturn

from notify.local import process

ROOT = Path(__file__).parents[2]
PATH = ROOT / "Procfile"
COMMAND = [sys.executable, "-m", "notify.local.procfile"]
"""With a name and a Procfile: the command that becomes that process."""


class Profile(StrEnum):
    """Which processes: a worker per channel, or as few as it takes."""

    FULL = "full"
    SMALL = "small"

    @property
    def path(self) -> Path:
        return PATH if self is Profile.FULL else PATH.with_suffix(".small")


def read(path: Path = PATH) -> dict[str, str]:
    """Process names and their shell commands, in the order of the file."""
    lines = (line.strip() for line in path.read_text().splitlines())
    entries = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _, command in entries}


def parsed(command: str) -> tuple[dict[str, str], int, list[str]]:
    """The environment (``env NAME=VALUE ...``), the niceness (``nice -n N``) and the words of a command, as a
    shell reads them.

    Raises:
        subprocess.CalledProcessError: the shell cannot: a variable it asks for is not set.
    """
    # The shell's own expansion, since nothing else is as much like it.
    words = subprocess.run(["/bin/sh", "-c", f"printf '%s\\0' {command}"], stdout=subprocess.PIPE, check=True)
    argv = words.stdout.decode().split("\0")[:-1]
    environment = {}
    if argv[0] == "env":
        argv.pop(0)
        while "=" in argv[0]:
            name, _, environment[name] = argv.pop(0).partition("=")
    niceness = 0
    if argv[:2] == ["nice", "-n"]:
        niceness, argv = int(argv[2]), argv[3:]
    return environment, niceness, argv


def become(name: str, path: Path) -> NoReturn:
    """Replace this process by the one called ``name``."""
    process.die_with_parent()
    os.execvp("/bin/sh", ["sh", "-c", f"exec {read(path)[name]}"])


if __name__ == "__main__":
    become(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else PATH)
