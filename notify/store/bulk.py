"""Many rows in one statement: rows travel as one JSON parameter, so any batch size is one prepared plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

import orjson
from sqlalchemy import Table, TextClause, text
from sqlalchemy.dialects import postgresql

from notify.store.db import Tx

Row = Mapping[str, Any]
Raw = orjson.Fragment
"""A value that is JSON already."""


def dumps(rows: Iterable[Row] | Iterable[UUID]) -> str:
    """The JSON parameter for ``recordset`` queries."""
    return orjson.dumps(list(rows)).decode()


def insert(tx: Tx, table: Table, rows: Sequence[Row]) -> None:
    """Insert ``rows`` (all with the same keys); rows that are there already stay as they are."""
    if rows:
        with together(tx):
            tx.info[_GATHERED].setdefault(_Change(table, tuple(rows[0])), []).extend(rows)


def delete(tx: Tx, table: Table, ids: Iterable[UUID]) -> None:
    """Delete the rows of ``table`` that have these ids."""
    if gone := [{"id": id_} for id_ in ids]:
        with together(tx):
            tx.info[_GATHERED].setdefault(_Change(table), []).extend(gone)


class _Change(NamedTuple):
    """Rows of ``table`` are inserted with these columns, or deleted where there are none."""

    table: Table
    columns: tuple[str, ...] = ()


_GATHERED = "gathered"


@contextmanager
def together(tx: Tx) -> Iterator[None]:
    """What is inserted or deleted inside goes along in one statement at its end.

    Nothing inside sees it, so that no row may be deleted and inserted anew under the same id.
    """
    info = tx.info  # a connection that breaks inside can no longer be asked for it
    if _GATHERED in info:
        yield
        return
    gathered: dict[_Change, list[Row]] = {}
    info[_GATHERED] = gathered
    try:
        yield
    finally:
        info.pop(_GATHERED, None)
    if gathered:
        rows = {f"rows{number}": dumps(each) for number, each in enumerate(gathered.values())}
        tx.execute(_changes(tuple(gathered)), rows)


@lru_cache(maxsize=256)
def _changes(of: tuple[_Change, ...]) -> TextClause:
    *others, last = (_change(each, f"rows{number}") for number, each in enumerate(of))
    first = ", ".join(f"change{number} AS ({each})" for number, each in enumerate(others))
    return text(f"WITH {first} {last}" if others else last)


def _change(change: _Change, parameter: str) -> str:
    table, names = change.table, ", ".join(change.columns)  # names are from our own tables
    if not names:
        found = f"SELECT id FROM {recordset(table, ('id',), parameter)}"
        return f"DELETE FROM {table.name} WHERE id = ANY(ARRAY({found}))"
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {names} "
        f"FROM {recordset(table, change.columns, parameter)} ON CONFLICT DO NOTHING"
    )


@lru_cache(maxsize=256)
def recordset(table: Table, columns: tuple[str, ...], parameter: str = "rows") -> str:
    """``json_to_recordset(:rows) AS r(...)`` with the column types of ``table``."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    typed = ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in columns)
    return f"json_to_recordset(CAST(:{parameter} AS json)) AS r({typed})"


def span(ids: Sequence[UUID]) -> dict[str, Any]:
    """Parameters for ``= ANY(:ids)`` on a partitioned table.

    The bounds let PostgreSQL skip partitions at run time, which it cannot do for an array parameter:
    queries add ``BETWEEN :low AND :high``.
    """
    return {"ids": list(ids), "low": min(ids), "high": max(ids)}


def within(column: str) -> str:
    """The condition for updates that join ``recordset`` with a partitioned table, with ``span``'s parameters.

    Rows are found by their ids: the messages of a broadcast lie within one millisecond, so that the bounds
    alone may hold all of them.
    """
    return f"{column} = ANY(:ids) AND {column} BETWEEN :low AND :high"


def same_millisecond(low: UUID, high: UUID) -> tuple[UUID, UUID]:
    """The bounds of all ids of the milliseconds from ``low`` to ``high``: what belongs to them lies there."""
    mask = (1 << 80) - 1
    return UUID(int=low.int & ~mask), UUID(int=high.int | mask)
