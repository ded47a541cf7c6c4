"""Receipts: what was reported and is not yet applied. A row is written before the provider gets its answer,
and goes in the transaction that applies it; a work row with the same id is its turn.
"""

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.dialects.postgresql import UUID as PgUuid

from notify.model.receipt import STATUS_UPDATE, Receipt
from notify.store import bulk, tables
from notify.store.db import Tx

_IDS = bindparam("ids", type_=ARRAY(PgUuid))


def insert(tx: Tx, rows: Sequence[Receipt]) -> None:
    bulk.insert(
        tx,
        tables.receipt,
        [
            {
                "id": row.id,
                "provider_id": row.provider_id,
                "reported": bulk.Raw(STATUS_UPDATE.dump_json(row.update)),
                "received_at": row.received_at,
            }
            for row in rows
        ],
    )


_LOAD = text("""
    SELECT id, provider_id, reported::text AS reported, received_at FROM receipt
    WHERE id = ANY(:ids) ORDER BY id
""").bindparams(_IDS)


def load(tx: Tx, ids: Iterable[UUID]) -> list[Receipt]:
    """The receipts with these ids, in the order they came in."""
    return [
        Receipt(
            id=row.id,
            provider_id=row.provider_id,
            update=STATUS_UPDATE.validate_json(row.reported),
            received_at=row.received_at,
        )
        for row in tx.execute(_LOAD, {"ids": list(ids)})
    ]


_DELETE = text("DELETE FROM receipt WHERE id = ANY(:ids)").bindparams(_IDS)


def delete(tx: Tx, ids: Iterable[UUID]) -> None:
    """These are applied, or concern nothing of ours."""
    if done := list(ids):
        tx.execute(_DELETE, {"ids": done})
