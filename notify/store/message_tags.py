"""Tags of messages that their templates add: those of the send are there from the beginning."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import text

from notify.store import bulk, tables
from notify.store.db import Tx

_SET = text(f"""
    UPDATE message m SET tags = r.tags FROM {bulk.recordset(tables.message, ("id", "tags"))}
    WHERE m.id = r.id AND {bulk.within("m.id")}
""")


def put(tx: Tx, tags: Mapping[UUID, Sequence[str]]) -> None:
    """Replace the tags of these messages, which are locked."""
    if tags:
        rows = bulk.dumps([{"id": id_, "tags": list(own)} for id_, own in tags.items()])
        tx.execute(_SET, {"rows": rows, **bulk.span(list(tags))})
