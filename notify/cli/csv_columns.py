"""What the columns of a CSV file mean: a header in, a function from a row's cells to its message out.

``user_id``, ``email``, ``phone_number``, ``locale``, ``timezone``; ``data.NAME`` and ``profile.NAME``, dots
for what is nested and ``:json`` at the end for cells that are JSON; ``-`` for what is to be left out.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from notify.cli.csv_file import CsvError
from notify.model.storable import find_fault
from notify.model.wire_to import CONTROL_KEYS

ROW, REASON = "notify_row", "notify_reason"
"""Columns of a report, left out when it is sent in its turn."""
_WHO = ("user_id", "email", "phone_number")
_PLAIN = (*_WHO, "locale", "timezone")
_KINDS = "user_id, email, phone_number, locale, timezone, data.NAME, profile.NAME"


class RowError(Exception):
    """A row that is no message; the text says why."""


@dataclass(frozen=True, slots=True)
class _Column:
    """``path``: where in the message its cells go. ``name``: as the header has it."""

    name: str
    path: tuple[str, ...]
    is_json: bool


def columns(header: Sequence[str], mapping: Mapping[str, str]) -> Callable[[Sequence[str]], dict[str, Any]]:
    """The function from a row's cells to ``to`` and ``data`` of its message. Empty cells are left out.

    Args:
        mapping: from names in the header to what they mean.

    Raises:
        CsvError: two columns mean the same, one means nothing that is known, or nobody would be named.
    """
    if unknown := sorted(set(mapping) - set(header)):
        raise CsvError(f"--map names columns that are not there: {', '.join(unknown)}")
    if twice := sorted({name for name in header if name and header.count(name) > 1}):
        raise CsvError(f"it has several columns of the same name: {', '.join(twice)}")
    read = [_column(name, mapping.get(name, name)) for name in header]
    paths = [column.path for column in read if column]
    if crossing := [one for one in paths for other in paths if one is not other and other[: len(one)] == one]:
        raise CsvError(f"several columns mean {'.'.join(crossing[0])}, or a part of it")
    if not any(path[0] == "to" and path[1] in _WHO for path in paths):
        raise CsvError(f"no column names a recipient ({', '.join(_WHO)}); --map COLUMN=email says which does")
    return lambda cells: _message(read, cells)


def _column(name: str, meaning: str) -> _Column | None:
    if meaning in {"", "-", ROW, REASON}:
        return None
    plain, colon, kind = meaning.partition(":")
    head, *rest = plain.split(".")
    known = (head in _PLAIN and not rest) or (head in {"data", "profile"} and rest and all(rest))
    if not known or (colon and kind != "json"):
        raise CsvError(
            f"what is column {name!r}? --map {name!r}=... with one of {_KINDS}, or - to leave it out"
        )
    if head == "profile" and rest[0] in CONTROL_KEYS:
        raise CsvError(f"column {name!r}: {rest[0]!r} is not part of a profile")
    path = ("data", *rest) if head == "data" else ("to", *(rest or [head]))
    return _Column(name, path, bool(colon))


def _message(read: Sequence[_Column | None], cells: Sequence[str]) -> dict[str, Any]:
    if len(cells) != len(read):
        raise RowError(f"has {len(cells)} cells where the header has {len(read)}")
    message: dict[str, Any] = {"to": {}}
    for column, cell in zip(read, map(str.strip, cells), strict=True):
        if column and cell:
            _put(message, column.path, _value(column, cell))
    if not any(message["to"].get(name) for name in _WHO):
        raise RowError(f"names nobody: {', '.join(_WHO)} are empty or missing")
    return message


def _put(message: dict[str, Any], path: Sequence[str], value: Any) -> None:
    *above, last = path
    for name in above:
        message = message.setdefault(name, {})
    message[last] = value


def _value(column: _Column, cell: str) -> Any:
    if any("\ud800" <= char <= "\udfff" for char in cell):
        raise RowError(f"column {column.name!r} has bytes that are no text in this encoding")
    if not column.is_json:
        return cell
    try:
        value = orjson.loads(cell)
    except orjson.JSONDecodeError as error:
        raise RowError(f"column {column.name!r} is not JSON: {error}") from None
    if fault := find_fault(value):
        raise RowError(f"column {column.name!r}: {fault.message}")
    return value
