"""Fault points: named places where a test has this process die, freeze or fail; inert in all other processes.

``NOTIFY_FAULT_POINTS`` lists rules, ``POINT:ACTION[:WHEN]``, by commas. The first that matches and whose time
has come acts:

- ``POINT`` is a name, or a pattern such as ``*.before``. Every transaction has two, named after the function
  that opens it: ``render.record.before`` its commit and ``render.record.after``. Others are where ``hit`` is
  called.
- ``ACTION``: ``kill`` (SIGKILL to this process), ``stop`` (SIGSTOP), ``fail`` (``Failed``; at a commit what a
  serialization failure, or a lost connection, does).
- ``WHEN``: a chance from 0 to 1, or ``once`` (by one of all processes with this directory). Default: always.

``NOTIFY_FAULT_DIR`` is where faults are logged (``log``, a JSON object per line) and steered in flight:
``points`` replaces the rules, ``clock`` holds the seconds this process's clock is ahead.
"""

import json
import os
import random
import signal
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

from notify import clock, settings

_ACTIONS = {"kill", "stop", "fail"}
_LOOK_EVERY_S = 0.1
_OURS = ("notify.pipeline.", "notify.manage.", "notify.producers.")


class Failed(Exception):
    """What ``fail`` raises."""


@dataclass(frozen=True, slots=True)
class Rule:
    """``chance`` 0: once, by whoever of all processes is first."""

    point: str
    action: str
    chance: float


def parse(text: str) -> list[Rule]:
    """The rules of a setting.

    Raises:
        ValueError: one of them says nothing.
    """
    return [_rule(part.strip()) for part in text.split(",") if part.strip()]


def _rule(text: str) -> Rule:
    point, _, rest = text.partition(":")
    action, _, when = rest.partition(":")
    chance = 0.0 if when == "once" else float(when or 1)
    if action not in _ACTIONS or not 0 <= chance <= 1:
        raise ValueError(
            f"{text!r} is no fault: write POINT:kill, POINT:stop or POINT:fail, then :CHANCE or :once"
        )
    return Rule(point, action, chance)


class _Armed:
    """The rules in force, and the directory they are steered from."""

    def __init__(self, points: str, directory: Path | None) -> None:
        self._given = self._rules = parse(points)
        self._directory = directory
        self._ahead = timedelta(0)
        self._looked_at = 0.0

    def rules(self) -> Sequence[Rule]:
        self._look()
        return self._rules

    def ahead(self) -> timedelta:
        self._look()
        return self._ahead

    def _look(self) -> None:
        if self._directory is None or time.monotonic() < self._looked_at + _LOOK_EVERY_S:
            return
        self._looked_at = time.monotonic()
        points, seconds = self._read("points"), self._read("clock")
        self._rules = self._given if points is None else parse(points)
        self._ahead = timedelta(seconds=float(seconds or 0))

    def _read(self, name: str) -> str | None:
        assert self._directory is not None
        try:
            return (self._directory / name).read_text()
        except OSError:
            return None

    def has_come(self, rule: Rule) -> bool:
        if rule.chance:
            return random.random() < rule.chance  # no secret
        if self._directory is None:
            return True
        with suppress(FileExistsError):
            latch = self._directory / f"once-{rule.point.replace('*', 'any')}-{rule.action}"
            os.close(os.open(latch, os.O_CREAT | os.O_EXCL))
            return True
        return False

    def log(self, point: str, action: str) -> None:
        if self._directory is None:
            return
        line = json.dumps({"at": time.time(), "pid": os.getpid(), "point": point, "action": action})
        fd = os.open(self._directory / "log", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(fd, line.encode() + b"\n")
        os.close(fd)


_armed: _Armed | None = None


def arm() -> None:
    """Have the settings' faults happen in this process from now on."""
    global _armed
    config = settings.load()
    if config.fault_points or config.fault_dir:
        _armed = _Armed(config.fault_points or "", config.fault_dir)
        clock.put_ahead(_armed.ahead)


def hit(point: str) -> None:
    """Pass a fault point.

    Raises:
        Failed: a rule says so.
    """
    if _armed is not None:
        _act(_armed, point)


def commit(side: Literal["before", "after"]) -> None:
    """Pass the fault point at a commit, named after the function whose transaction it is.

    Raises:
        Failed: a rule says so.
    """
    if _armed is not None:
        _act(_armed, f"{_owner()}.{side}")


def _owner() -> str:
    frame = sys._getframe(2)
    while frame := frame.f_back:  # type: ignore[assignment]
        module = frame.f_globals.get("__name__", "")
        if module.startswith(_OURS):
            return f"{module.rpartition('.')[2]}.{frame.f_code.co_name.strip('_')}"
    return "store"


def _act(armed: _Armed, point: str) -> None:
    for rule in armed.rules():
        if fnmatchcase(point, rule.point) and armed.has_come(rule):
            armed.log(point, rule.action)
            match rule.action:
                case "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "stop":
                    os.kill(os.getpid(), signal.SIGSTOP)
                case _:
                    raise Failed(point)
            return
