"""What an instance is made of: how many processes, of which code, with which settings."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKERS = ("worker-pipeline", "worker-bulk", "worker-webhook", "worker-sms", "worker-deliver-bulk")

SETTINGS = {
    "NOTIFY_LOG_LEVEL": "warning",
    "NOTIFY_RETRY_WAITS_S": "1,2,4,8,15",
    "NOTIFY_ALLOWED_NETWORKS": "127.0.0.0/8",
    "NOTIFY_FAULT_INJECTION": "true",
}
"""What every instance here has. All else that matters for recovery is the default."""


@dataclass(frozen=True, slots=True)
class Options:
    """``workers``: processes of each kind of worker; ``fsync``: only a machine that dies needs it.

    ``source``: the tree whose code is run; a copy of it, so that nobody's edits reach a long run.
    """

    workers: int = 1
    apis: int = 2
    beats: int = 1
    fsync: bool = False
    broker: str = "valkey"
    settings: Mapping[str, str] = field(default_factory=dict)
    source: Path = ROOT


def copy_source(source: Path, to: Path) -> None:
    """What processes are made of, out of ``source``."""
    leave_out = shutil.ignore_patterns("__pycache__")
    for name in ("notify", "workers"):
        shutil.copytree(source / name, to / name, ignore=leave_out, dirs_exist_ok=True)
    for name in ("celeryconfig.py", "Procfile"):
        shutil.copy(source / name, to / name)
