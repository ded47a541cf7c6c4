"""A table of rows for people, or one JSON object per line for programs."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import fields, is_dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from notify.cli.target import Json, Target

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object per line.")]
Limit = Annotated[int, typer.Option(min=1, help="How many at most.")]
Row = Mapping[str, Any]


def show(
    columns: Iterable[str],
    rows: Iterable[Any],
    view: Callable[[Any], Row] = dict,
    *,
    as_json: bool = False,
    empty: str | None = None,
) -> None:
    """Print the rows' ``columns``, ids unbroken; as JSON all that is in them.

    Args:
        view: a row as people see it.
        empty: what is said to people in place of a table without rows.
    """
    if as_json:
        for row in rows:
            print(json.dumps(row, default=_plain))
        return
    table, columns = Table(box=None, header_style="dim"), tuple(columns)
    for name in columns:
        table.add_column(name, no_wrap=name == "id", overflow="fold")
    for shown in map(view, rows):
        table.add_row(*(_cell(shown.get(name)) for name in columns))
    Console(highlight=False).print(table if table.row_count or empty is None else empty)


def _plain(value: Any) -> Any:
    """What JSON does not know: records as objects, sets as lists, times and ids as text."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: getattr(value, one.name) for one in fields(value)}
    if isinstance(value, Set):
        return sorted(value)
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: Any) -> Text:
    if isinstance(value, Text):
        return value
    # Text, and no markup: what strangers named things may hold brackets.
    return Text("" if value is None else value if isinstance(value, str) else json.dumps(value, default=str))


def items(api: Target, *path: str, limit: int, **filters: Any) -> Iterator[Json]:
    """At most ``limit`` things of a list, page by page, of either style; empty filters are left out."""
    return islice(_items(api, *path, **{name: value for name, value in filters.items() if value}), limit)


def _items(api: Target, *path: str, **query: Any) -> Iterator[Json]:
    cursor: dict[str, str] = {}
    while True:
        page = api.get(*path, **query, **cursor)
        yield from page["items"] if "items" in page else page["results"]
        following = page.get("cursor") or page.get("paging", {}).get("cursor")
        if not following:
            return
        cursor = {"cursor": following}
