"""Many rows in one statement: rows travel as one JSON parameter, so any batch size is one prepared plan."""

from collections.abc import Iterable, Mapping, Sequence
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
        tx.execute(_insert(table, tuple(rows[0])), {"rows": dumps(rows)})


@lru_cache(maxsize=256)
def _insert(table: Table, columns: tuple[str, ...]) -> TextClause:
    names = ", ".join(columns)
    return text(
        f"INSERT INTO {table.name} ({names}) SELECT {names} "  # names are from our own tables
        f"FROM {recordset(table, columns)} ON CONFLICT DO NOTHING"
    )


@lru_cache(maxsize=256)
def recordset(table: Table, columns: tuple[str, ...]) -> str:
    """``json_to_recordset(:rows) AS r(...)`` with the column types of ``table``."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    typed = ", ".join(f"{name} {table.c[name].type.compile(dialect)}" for name in columns)
    return f"json_to_recordset(CAST(:rows AS json)) AS r({typed})"


def span(ids: Sequence[UUID]) -> dict[str, Any]:
    """Parameters for ``= ANY(:ids)`` on a partitioned table.

    The bounds let PostgreSQL skip partitions at run time, which it cannot do for an array parameter:
    queries add ``BETWEEN :low AND :high``.
    """
    return {"ids": list(ids), "low": min(ids), "high": max(ids)}


def same_millisecond(low: UUID, high: UUID) -> tuple[UUID, UUID]:
    """The bounds of all ids of the milliseconds from ``low`` to ``high``: what belongs to them lies there."""
    mask = (1 << 80) - 1
    return UUID(int=low.int & ~mask), UUID(int=high.int | mask)
