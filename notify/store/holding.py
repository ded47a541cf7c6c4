"""What a stage holds while it records: its messages, then its work, locked in one order for all."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import text

from notify.model.status import Status
from notify.model.work import Claim
from notify.store import bulk
from notify.store.db import Tx
from notify.store.work import HELD, fence, held_by

# The count is there for the order alone: work is not looked at before all messages are locked.
_HOLD = text(f"""
    WITH locked AS MATERIALIZED (
      SELECT id, status FROM message
      WHERE id = ANY(:ids) AND id BETWEEN :low AND :high ORDER BY id FOR UPDATE
    ), held AS MATERIALIZED (
      SELECT work.id FROM {HELD} AND (SELECT count(*) FROM locked) >= 0 ORDER BY work.id FOR UPDATE OF work
    )
    SELECT id, status FROM locked UNION ALL SELECT id, NULL FROM held
""")


def hold(tx: Tx, messages: Sequence[UUID], claims: Sequence[Claim]) -> tuple[dict[UUID, Status], set[UUID]]:
    """``messages.lock`` and ``work.fence`` in one statement.

    Returns:
        The statuses of those messages that are still there, and which claims' rows nobody else took over.
    """
    if not messages:
        return {}, fence(tx, claims)
    found = tx.execute(_HOLD, {"rows": held_by(claims), **bulk.span(messages)}).all()
    statuses = {row.id: Status(row.status) for row in found if row.status}
    return statuses, {row.id for row in found if not row.status}
