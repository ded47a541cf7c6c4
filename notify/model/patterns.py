"""List ids and the patterns that match them: ``orders.*`` or ``orders.**`` in, a rule for ids out.

``*`` stands for exactly one part, anywhere; ``**``, at the end, for one or more. ``a.**`` is not ``a``.
"""

import re
from dataclasses import dataclass

MAX_PARTS = 4
_PART = re.compile(r"[^\s.*#\x00-\x1f\x7f]+")
_ONE, _REST = "*", "**"


def check_id(list_id: str) -> str:
    """The id itself.

    Raises:
        ValueError: it is not 1 to 4 parts joined by dots, or holds spaces, ``*`` or ``#``.
    """
    parts = list_id.split(".")
    if len(parts) > MAX_PARTS or not all(map(_PART.fullmatch, parts)):
        raise ValueError(f"must be 1 to {MAX_PARTS} parts joined by dots, without spaces, '*' and '#'")
    return list_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """``regex`` holds for the ids that match, in Python and in PostgreSQL; all begin with ``prefix``."""

    regex: str
    prefix: str

    def matches(self, list_id: str) -> bool:
        return re.fullmatch(self.regex, list_id) is not None


def parse(pattern: str) -> Pattern:
    """Read a pattern; an id without wildcards matches itself alone.

    Raises:
        ValueError: a wildcard stands where none may: ``**`` first or in the middle, ``po*``.
    """
    parts = pattern.split(".")
    if len(parts) > MAX_PARTS or not all(_allowed(part, place, parts) for place, part in enumerate(parts)):
        raise ValueError(
            f"must be 1 to {MAX_PARTS} parts joined by dots; '*' is one whole part, '**' only the last ones"
        )
    return Pattern(regex=f"^{'[.]'.join(map(_regex, parts))}$", prefix=_prefix(parts))


def exactly(list_id: str) -> Pattern:
    """The pattern that only this id matches, whatever it looks like."""
    return Pattern(regex=f"^{re.escape(list_id)}$", prefix=list_id)


def _allowed(part: str, place: int, parts: list[str]) -> bool:
    if part == _REST:
        return place == len(parts) - 1 and any(_PART.fullmatch(before) for before in parts[:place])
    return part == _ONE or _PART.fullmatch(part) is not None


def _regex(part: str) -> str:
    if part == _REST:
        return "[^.]+([.][^.]+)*"
    return "[^.]+" if part == _ONE else re.escape(part)


def _prefix(parts: list[str]) -> str:
    fixed: list[str] = []
    for part in parts:
        if part in (_ONE, _REST):
            return "".join(f"{one}." for one in fixed)
        fixed.append(part)
    return ".".join(fixed)
