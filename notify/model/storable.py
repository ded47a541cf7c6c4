"""What PostgreSQL can hold: a stranger's JSON value in, the first place that it would refuse out.

Asked before a value is stored, since one refused row would fail the whole batch it is written in.
"""

from collections.abc import Callable, Iterable, Iterator
from math import isfinite
from typing import Any, NamedTuple

import orjson

MAX_DEPTH = 100

Path = tuple[str | int, ...]


class Fault(NamedTuple):
    path: Path
    message: str


def find_fault(value: Any) -> Fault | None:
    """The first text, number or nesting that cannot be kept, in reading order by depth."""
    return None if _clean(value) else _find(value, _text_fault, _number_fault)


def find_nul(value: Any) -> Path | None:
    """The path to the first text, key or value, with a NUL character or half of a surrogate pair.

    Also the path into what is nested too deep to be looked through.
    """
    fault = None if _clean(value) else _find(value, _text_fault)
    return fault.path if fault else None


def _clean(value: Any) -> bool:
    """The quick answer for what is surely sound. A false alarm costs only the slow search.

    One pass in C finds NUL, surrogates and large integers; depth and fractions it would let through.
    """
    try:
        return b"\\u0000" not in orjson.dumps(value) and _is_shallow_and_finite(value)
    except TypeError:
        return False


def _is_shallow_and_finite(value: Any) -> bool:
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH + 1):
        below: list[Any] = []
        for item in level:
            if isinstance(item, dict):
                below.extend(item.values())
            elif isinstance(item, list | tuple):
                below.extend(item)
            elif isinstance(item, float) and not isfinite(item):
                return False
        if not below:
            return True
        level = below
    return False


def _find(value: Any, *checks: Callable[[Any], str | None]) -> Fault | None:
    level: list[tuple[Path, Any]] = [((), value)]
    while level:
        for path, item in level:
            if message := next(filter(None, (check(item) for check in checks)), None):
                return Fault(path, message)
        level = [child for path, item in level for child in _children(path, item)]
        if level and len(level[0][0]) > MAX_DEPTH:
            return Fault(level[0][0][:1], f"Objects and lists may be nested at most {MAX_DEPTH} deep")
    return None


def _children(path: Path, item: Any) -> Iterator[tuple[Path, Any]]:
    pairs: Iterable[tuple[Any, Any]] = ()
    if isinstance(item, dict):
        # A key is looked at as a text of its own, with the path it gives to its value.
        yield from (((*path, key), key) for key in item)
        pairs = item.items()
    elif isinstance(item, list | tuple):
        pairs = enumerate(item)
    yield from (((*path, key), value) for key, value in pairs)


def _text_fault(item: Any) -> str | None:
    if not isinstance(item, str) or ("\0" not in item and (item.isascii() or not _has_surrogate(item))):
        return None
    return "Text may not contain NUL characters or half surrogate pairs"


def _has_surrogate(text: str) -> bool:
    return any("\ud800" <= char <= "\udfff" for char in text)


def _number_fault(item: Any) -> str | None:
    sound = _fits(item) if isinstance(item, int) else not isinstance(item, float) or isfinite(item)
    return None if sound else "Numbers must be finite, and integers fit in 64 bits"


def _fits(number: int) -> bool:
    return -(2**63) <= number < 2**64
