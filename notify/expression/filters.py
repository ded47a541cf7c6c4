"""The filters a template may use, by Jinja's names: a value and arguments go in, a value comes out.

What is missing or null counts as an empty text or list. Wrong arguments raise ContentError or one of the
errors of ``WRONG``. A filter whose result can be much larger than its input takes the budget and asks it
first; see ``BUDGETED``.
"""

import math
import re
from collections.abc import Callable, Mapping
from html import unescape
from typing import Any
from urllib.parse import quote, urlencode

from notify.errors import ContentError
from notify.expression.formats import format_date, format_number
from notify.expression.limits import Budget
from notify.expression.lists import (
    first,
    items_of,
    largest,
    last,
    length,
    numbers_of,
    pairs,
    picked,
    pluck,
    reverse,
    section,
    smallest,
    sort,
    total,
    unique,
)
from notify.expression.values import MISSING, Trusted, absent, is_number, text, to_json

Filter = Callable[..., Any]
WRONG = (TypeError, ValueError, ArithmeticError, LookupError, OSError, RecursionError)
"""What a filter raises for arguments that make no sense."""

_TAG = re.compile(r"<[^<>]*>")
_WORD = re.compile(r"[^\W_]+(?:['\u2019][^\W_]+)*")


def _default(value: Any, fallback: Any = "", boolean: bool = False) -> Any:
    return fallback if absent(value) or (boolean and not value) else value


def _trim(value: Any, chars: str | None = None) -> str:
    return text(value).strip(chars)


def _truncate(value: Any, length: int = 255, killwords: bool = False, end: str = "...") -> str:
    whole = text(value)
    if len(whole) <= length:
        return whole
    cut = whole[: max(0, length - len(end))]
    return (cut if killwords else cut.rsplit(" ", 1)[0]) + end


def _title(value: Any) -> str:
    return _WORD.sub(lambda word: word[0].capitalize(), text(value))


def _round(value: Any, precision: int = 0, method: str = "common") -> Any:
    if absent(value):
        return MISSING
    if not is_number(value) or not -15 <= precision <= 15:
        raise ContentError("needs a number and a precision from -15 to 15")
    scaled = value * 10**precision
    whole = _ROUNDING[method](scaled)
    return whole / 10**precision if precision > 0 else whole * 10**-precision


def _half_away(value: float) -> int:
    # A product such as 1.005 * 100 falls just short of the half the author sees.
    nearest = round(abs(value), 9)
    return int(math.copysign(math.floor(nearest + 0.5), value))


_ROUNDING: Mapping[str, Callable[[float], int]] = {
    "common": _half_away,
    "ceil": math.ceil,
    "floor": math.floor,
}


def _abs(value: Any) -> Any:
    return abs(numbers_of([value])[0]) if not absent(value) else MISSING


def _int(value: Any, default: Any = 0) -> Any:
    return _converted(
        lambda: int(float(value)) if isinstance(value, str | float) else int(value), value, default
    )


def _float(value: Any, default: Any = 0.0) -> Any:
    return _converted(lambda: float(value), value, default)


def _converted(convert: Callable[[], Any], value: Any, default: Any) -> Any:
    if not isinstance(value, int | float | str) or len(str(value)) > 300:
        return default
    try:
        number = convert()
    except (ValueError, OverflowError):
        return default
    return number if math.isfinite(number) else default


def _urlencode(value: Any) -> str:
    if isinstance(value, Mapping):
        return urlencode({key: text(item) for key, item in value.items()})
    return quote(text(value), safe="/", errors="replace")


def _striptags(value: Any) -> str:
    return " ".join(unescape(_TAG.sub("", text(value))).split())


def _join(budget: Budget, value: Any, separator: str = "", attribute: str | None = None) -> str:
    pieces = [text(item) for item in picked(value, attribute)]
    budget.fits(sum(map(len, pieces)) + len(text(separator)) * len(pieces))
    return text(separator).join(pieces)


def _replace(budget: Budget, value: Any, old: str, new: Any, count: int = -1) -> str:
    whole, replacement = text(value), text(new)
    found = whole.count(old) if count < 0 else min(count, whole.count(old))
    budget.fits(len(whole) + found * (len(replacement) - len(old)))
    return whole.replace(old, replacement, count)


def _tojson(budget: Budget, value: Any, indent: int | None = None) -> str:
    if indent is not None and not 0 <= indent <= 8:
        raise ContentError("the indent is from 0 to 8")
    return to_json(value, indent)


PURE: Mapping[str, Filter] = {
    "abs": _abs,
    "capitalize": lambda value: text(value).capitalize(),
    "count": length,
    "d": _default,
    "date": format_date,
    "default": _default,
    "e": lambda value: str(text(value)),
    # Values are escaped where they are printed; this only takes back an earlier ``safe``.
    "escape": lambda value: str(text(value)),
    "first": first,
    "float": _float,
    "int": _int,
    "items": pairs,
    "last": last,
    "length": length,
    "list": items_of,
    "lower": lambda value: text(value).lower(),
    "map": pluck,
    "max": largest,
    "min": smallest,
    "number": format_number,
    "reverse": reverse,
    "round": _round,
    "safe": lambda value: Trusted(text(value)),
    "sort": sort,
    "string": text,
    "striptags": _striptags,
    "sum": total,
    "title": _title,
    "trim": _trim,
    "truncate": _truncate,
    "unique": unique,
    "upper": lambda value: text(value).upper(),
    "urlencode": _urlencode,
    "~slice": section,
}

BUDGETED: Mapping[str, Filter] = {"join": _join, "replace": _replace, "tojson": _tojson}
