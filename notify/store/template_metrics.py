"""What became of a template's messages, by bucket of time, channel and provider: from the message log."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text

from notify import ids
from notify.model.names import World
from notify.store.db import Tx

# A message counts in the bucket in which it was accepted, whenever the rest happened to it. What no provider
# of a channel delivered counts with the last that was asked.
_COUNT = text("""
    WITH tried AS (
      SELECT m.id, width_bucket(m.enqueued_at, CAST(:edges AS timestamptz[])) AS bucket,
        d.channel, d.provider, d.state, d.sent_at, d.delivered_at, d.opened_at, d.clicked_at,
        bool_or(d.state IN ('sent', 'simulated', 'active')) OVER channel AS reached,
        row_number() OVER (PARTITION BY m.id, d.channel ORDER BY d.started_at DESC, d.id DESC) AS from_last
      FROM message m
      JOIN delivery d ON d.message_id = m.id AND d.message_id >= :low AND d.message_id < :high
      WHERE m.world = :world AND m.notification = ANY(:names) AND m.id >= :low AND m.id < :high
        AND d.state <> 'canceled'
      WINDOW channel AS (PARTITION BY m.id, d.channel)
    )
    SELECT bucket, channel, provider,
      count(DISTINCT id) FILTER (WHERE sent_at IS NOT NULL) AS sent,
      count(DISTINCT id) FILTER (WHERE delivered_at IS NOT NULL) AS delivered,
      count(DISTINCT id) FILTER (WHERE opened_at IS NOT NULL) AS opened,
      count(DISTINCT id) FILTER (WHERE clicked_at IS NOT NULL) AS clicked,
      count(DISTINCT id) FILTER (WHERE state IN ('failed', 'returned')) AS errors,
      count(DISTINCT id) FILTER (WHERE from_last = 1 AND NOT reached) AS undeliverable
    FROM tried GROUP BY bucket, channel, provider ORDER BY bucket, channel, provider
""")


def count(tx: Tx, world: World, names: Sequence[str], edges: Sequence[datetime]) -> Sequence[Any]:
    """A row per bucket (from 1), channel and provider in which there was anything.

    Args:
        names: what sends have called the template.
        edges: where the buckets begin, and where the last one ends; UTC.
    """
    window = {"low": ids.earliest(edges[0]), "high": ids.earliest(edges[-1])}
    given = {"world": world, "names": list(names), "edges": list(edges), **window}
    return tx.execute(_COUNT, given).all()
