"""What a check found: how bad it is, what it is about, and what to do."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """``fail``: something does not work, or will be lost. ``warn``: it works, and may stop doing so."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """``fix``: one line that says what to do about it."""

    level: Level
    subject: str
    text: str
    fix: str | None = None


def ok(subject: str, text: str) -> Finding:
    return Finding(level=Level.OK, subject=subject, text=text)


def warn(subject: str, text: str, fix: str) -> Finding:
    return Finding(level=Level.WARN, subject=subject, text=text, fix=fix)


def fail(subject: str, text: str, fix: str) -> Finding:
    return Finding(level=Level.FAIL, subject=subject, text=text, fix=fix)
