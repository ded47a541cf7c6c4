"""The filters that read lists: a value and arguments go in, a list or one of its items comes out.

What is missing or null counts as an empty list; wrong types raise ContentError or TypeError.
"""

from collections.abc import Mapping
from typing import Any

from notify.errors import ContentError
from notify.expression.members import member
from notify.expression.operators import kind
from notify.expression.values import MISSING, absent, is_number, to_json


def items_of(value: Any) -> list[Any]:
    if absent(value):
        return []
    if isinstance(value, list | tuple | str | Mapping):
        return list(value)
    raise ContentError(f"needs a list, not {kind(value)}")


def numbers_of(value: Any) -> list[Any]:
    items = [item for item in items_of(value) if not absent(item)]
    for item in items:
        if not is_number(item):
            raise ContentError(f"needs numbers, not {kind(item)}")
    return items


def picked(value: Any, attribute: str | None) -> list[Any]:
    items = items_of(value)
    return [pick(item, attribute) for item in items] if attribute else items


def pick(item: Any, path: str) -> Any:
    for key in str(path).split("."):
        item = member(item, key)
    return item


def first(value: Any) -> Any:
    return next(iter(items_of(value)), MISSING)


def last(value: Any) -> Any:
    return next(iter(items_of(value)[-1:]), MISSING)


def length(value: Any) -> int:
    return len(items_of(value))


def sort(
    value: Any, reverse: bool = False, case_sensitive: bool = False, attribute: str | None = None
) -> Any:
    def key(item: Any) -> Any:
        picked = pick(item, attribute) if attribute else item
        return picked.lower() if isinstance(picked, str) and not case_sensitive else picked

    return sorted(items_of(value), key=key, reverse=reverse)


def reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else items_of(value)[::-1]


def unique(value: Any, attribute: str | None = None) -> list[Any]:
    seen: dict[str, Any] = {}
    for item in items_of(value):
        seen.setdefault(to_json(pick(item, attribute) if attribute else item), item)
    return list(seen.values())


def total(value: Any, attribute: str | None = None, start: Any = 0) -> Any:
    return sum(numbers_of(picked(value, attribute)), start)


def smallest(value: Any, attribute: str | None = None) -> Any:
    return min(picked(value, attribute), default=MISSING)


def largest(value: Any, attribute: str | None = None) -> Any:
    return max(picked(value, attribute), default=MISSING)


def pairs(value: Any) -> list[Any]:
    if not isinstance(value, Mapping):
        return []
    return [[key, item] for key, item in value.items()]


def pluck(value: Any, attribute: str) -> list[Any]:
    return picked(value, attribute)


def section(value: Any, start: Any, stop: Any, step: Any) -> Any:
    return (value if isinstance(value, str) else items_of(value))[slice(start, stop, step)]
