"""ICU messages: a pattern, values and a locale go in, what it says in that locale comes out.

https://unicode-org.github.io/icu/userguide/format_parse/messages/
"""

import re
from collections.abc import Callable, Iterator, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from notify.errors import ContentError
from notify.expression.formats import moment, zone
from notify.expression.limits import Budget
from notify.expression.values import absent, is_number, text

if TYPE_CHECKING:
    from icu4py.messageformat import MessageFormat

MAX_PATTERN = 8 * 1024
MAX_DEPTH = 20
DEFAULT_LOCALE = "en"
FILTERS = frozenset({"formatMessage", "intl"})
"""Whose value is a pattern."""

_CHOOSING = frozenset({"plural", "select", "selectordinal"})
_NUMBERS = frozenset({"number", "ordinal", "plural", "selectordinal", "spellout"})
_DATES = frozenset({"date", "time"})
_TYPES = _CHOOSING | _NUMBERS | _DATES

_QUOTED = re.compile(r"'[{}](?:[^']|'')*(?:'|\Z)")
_ARGUMENT = re.compile(r"\{\s*([^\s{},'#]+)\s*(?:,\s*(\w+)\s*)?(?=[,}])")
# Both can ask for a number of any length.
_ENDLESS = re.compile(r"::[^{}]*?\b(scale|precision-increment)\b")
_LOCALE = re.compile(r"[A-Za-z]{2,3}(?:[-_][A-Za-z0-9]{2,8}){0,3}")
_LONGEST_NUMBER = 500

_PROBLEMS = {
    "U_UNMATCHED_BRACES": "a brace has no partner",
    "U_DEFAULT_KEYWORD_MISSING": "a choice needs `other`",
}


def check(pattern: str) -> None:
    """Raises ContentError when the pattern can say nothing in any locale."""
    _checked(pattern)
    _format(pattern, DEFAULT_LOCALE, "UTC")


def say(
    pattern: str,
    values: Mapping[str, Any],
    budget: Budget,
    escape: Callable[[str], str] = str,
    locale: str = DEFAULT_LOCALE,
    tz: str = "UTC",
) -> str:
    """The message in a locale, its dates and times in a zone, its texts escaped.

    Raises:
        ContentError: a malformed pattern, an unknown zone, or a value that is not what its argument needs.
    """
    arguments = _checked(pattern)
    zone(tz)
    given = {name: _value(name, kind, values.get(name), escape) for name, kind in arguments}
    longest = max((len(one) for one in given.values() if isinstance(one, str)), default=0) + _LONGEST_NUMBER
    budget.fits(len(pattern) + (len(arguments) + pattern.count("#")) * longest)
    try:
        return _format(pattern, locale, tz).format(given)
    except (RuntimeError, ValueError) as error:
        raise ContentError(f"the message cannot be said: {error}") from None


def locale_of(wanted: Any) -> str | None:
    """A locale as ICU knows it; None when it is none."""
    name = text(wanted)
    return name if _LOCALE.fullmatch(name) else None


@lru_cache(maxsize=256)
def _checked(pattern: str) -> tuple[tuple[str, str | None], ...]:
    """Name and type of each argument, the typed ones last: they say how their name is read everywhere."""
    _check_bounds(pattern)
    arguments = sorted(_arguments(pattern), key=lambda one: one[1] is not None)
    for name, kind in arguments:
        if kind and kind not in _TYPES:
            known = ", ".join(sorted(_TYPES))
            raise ContentError(f"`{{{name}, {kind}}}`: there is no such type; there are {known}")
    return tuple(arguments)


def _check_bounds(pattern: str) -> None:
    if len(pattern) > MAX_PATTERN:
        raise ContentError(f"a message is at most {MAX_PATTERN} characters long")
    depth = 0
    for brace in re.findall(r"[{}]", pattern):
        depth += 1 if brace == "{" else -1
        if depth > MAX_DEPTH:
            raise ContentError(f"a message is nested at most {MAX_DEPTH} braces deep")
    if endless := _ENDLESS.search(pattern):
        raise ContentError(f"`{endless[1]}` is not allowed in a message")


def _arguments(pattern: str) -> Iterator[tuple[str, str | None]]:
    """Name and type of each argument, those inside choices too."""
    plain = _QUOTED.sub("", pattern)
    inside = ["message"]
    for brace in re.finditer(r"[{}]", plain):
        if brace[0] == "}":
            inside = inside[:-1] or ["message"]
        elif inside[-1] != "message":
            inside.append("message" if inside[-1] == "choice" else "style")
        else:
            found = _ARGUMENT.match(plain, brace.start())
            inside.append("choice" if found and found[2] in _CHOOSING else "style")
            if found:
                yield found[1], found[2]


def _value(name: str, kind: str | None, value: Any, escape: Callable[[str], str]) -> Any:
    if kind in _NUMBERS and not is_number(value):
        raise ContentError(f"`{name}` must be a number, not `{text(value)[:50]}`")
    if kind in _DATES:
        return _moment(name, value)
    if kind == "select":
        return text(value)
    return value if is_number(value) else escape(text(value))


def _moment(name: str, value: Any) -> Any:
    if absent(value):
        raise ContentError(f"`{name}` must be a date, and is missing")
    try:
        return moment(value)
    except (ValueError, OverflowError, OSError):
        found = text(value)[:50]
        raise ContentError(f"`{name}` must be epoch milliseconds or ISO 8601, not `{found}`") from None


@lru_cache(maxsize=256)
def _format(pattern: str, locale: str, tz: str) -> "MessageFormat":
    # ICU is large, and most workspaces have no such message.
    from icu4py.messageformat import MessageFormat

    try:
        return MessageFormat(pattern, f"{locale.replace('-', '_')}@timezone={tz}")
    except UnicodeEncodeError:
        raise ContentError("a message must be Unicode text") from None
    except ValueError as error:
        code = str(error).rpartition(": ")[2]
        raise ContentError(f"not an ICU message: {_PROBLEMS.get(code, code)}") from None
