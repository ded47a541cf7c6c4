"""The Procfile: which processes Notify consists of.

``python -m notify.local.procfile NAME`` becomes the process ``NAME``, tied to the life of its parent, so that
a process manager killed outright leaves nobody behind.
"""

import os
import sys
from pathlib import Path

from notify.local import process

ROOT = Path(__file__).parents[2]
PATH = ROOT / "Procfile"


def read(path: Path = PATH) -> dict[str, str]:
    """Process names and their shell commands, in the order of the file."""
    lines = (line.strip() for line in path.read_text().splitlines())
    entries = (line.partition(":") for line in lines if line and not line.startswith("#"))
    return {name.strip(): command.strip() for name, _, command in entries}


def become(name: str, path: Path) -> None:
    """Replace this process by the one called ``name``."""
    process.die_with_parent()
    os.execvp("/bin/sh", ["sh", "-c", f"exec {read(path)[name]}"])


if __name__ == "__main__":
    become(sys.argv[1], Path(sys.argv[2]) if len(sys.argv) > 2 else PATH)
