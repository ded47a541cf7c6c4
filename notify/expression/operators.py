"""What ``==``, ``<``, ``in`` and ``+`` do to JSON values: operands go in, a value comes out.

Comparing never raises: null and missing are equal to each other and to nothing else, and different types
are neither equal nor ordered. Calculating with what is missing gives nothing; with a wrong type it raises
ContentError.
"""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from notify.errors import ContentError
from notify.expression.values import MISSING, absent, is_number, text

_ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "lt": operator.lt,
    "lteq": operator.le,
    "gt": operator.gt,
    "gteq": operator.ge,
}


def compare(name: str, left: Any, right: Any) -> bool:
    """One comparison, by Jinja's name for it: eq, ne, lt, lteq, gt, gteq, in, notin."""
    if name in _ORDER:
        same = (is_number(left) and is_number(right)) or (isinstance(left, str) and isinstance(right, str))
        return same and _ORDER[name](left, right)
    if name in {"eq", "ne"}:
        return equal(left, right) is (name == "eq")
    return contains(right, left) is (name == "in")


def equal(left: Any, right: Any) -> bool:
    """Equal in type and value; 1 and 1.0 are."""
    if absent(left) or absent(right):
        return absent(left) and absent(right)
    if isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def contains(whole: Any, part: Any) -> bool:
    """Is it an item of the list, a key of the object, a piece of the text?"""
    if isinstance(whole, str):
        return isinstance(part, str) and part in whole
    if isinstance(whole, list | tuple):
        return any(equal(item, part) for item in whole)
    return isinstance(whole, Mapping) and isinstance(part, str) and part in whole


_ARITHMETIC: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def calculate(symbol: str, left: Any, right: Any) -> Any:
    """Two numbers calculated; with ``+`` also texts and lists joined.

    Raises:
        ContentError: wrong types, a division by zero, a number out of range.
    """
    if is_number(left) and is_number(right):
        return _number(symbol, left, right)
    if symbol == "+" and (isinstance(left, str) or isinstance(right, str)):
        return text(left) + text(right)
    if symbol == "+" and isinstance(left, list) and isinstance(right, list):
        return left + right
    if absent(left) or absent(right):
        return MISSING
    raise ContentError(f"`{symbol}` needs two numbers, not {kind(left)} and {kind(right)}")


def _number(symbol: str, left: Any, right: Any) -> Any:
    try:
        return _ARITHMETIC[symbol](left, right)
    except ZeroDivisionError:
        raise ContentError(f"`{symbol}` divides by zero") from None
    except OverflowError:
        raise ContentError(f"`{symbol}` gives a number that is too large") from None


def negate(symbol: str, value: Any) -> Any:
    """``-value`` or ``+value``; nothing of nothing. Raises ContentError for other than a number."""
    if absent(value):
        return MISSING
    if not is_number(value):
        raise ContentError(f"`{symbol}` needs a number, not {kind(value)}")
    return -value if symbol == "-" else value


def kind(value: Any) -> str:
    """What a person calls the type of a value."""
    if absent(value):
        return "nothing"
    if isinstance(value, bool):
        return "a boolean"
    if is_number(value):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "an object" if isinstance(value, Mapping) else "a list"
