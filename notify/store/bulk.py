"""Many rows in one statement: rows travel as one JSON parameter, so any batch size is one prepared plan."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any
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
            tx.info[_GATHERED].setdefault((table, tuple(rows[0])), []).extend(rows)


_GATHERED = "gathered"
_Into = tuple[Table, tuple[str, ...]]


@contextmanager
def together(tx: Tx) -> Iterator[None]:
    """What is inserted inside goes along in one statement at the end; nothing inside may look for it."""
    if _GATHERED in tx.info:
        yield
        return
    gathered: dict[_Into, list[Row]] = {}
    tx.info[_GATHERED] = gathered
    try:
        yield
    finally:
        del tx.info[_GATHERED]
    if gathered:
        rows = {f"rows{number}": dumps(each) for number, each in enumerate(gathered.values())}
        tx.execute(_inserts(tuple(gathered)), rows)


@lru_cache(maxsize=256)
def _inserts(into: tuple[_Into, ...]) -> TextClause:
    *others, last = (_insert(*each, f"rows{number}") for number, each in enumerate(into))
    first = ", ".join(f"insert{number} AS ({each})" for number, each in enumerate(others))
    return text(f"WITH {first} {last}" if others else last)


def _insert(table: Table, columns: tuple[str, ...], parameter: str) -> str:
    names = ", ".join(columns)
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {names} "  # names are from our own tables
        f"FROM {recordset(table, columns, parameter)} ON CONFLICT DO NOTHING"
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
