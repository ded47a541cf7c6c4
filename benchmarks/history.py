"""A history of messages, made by PostgreSQL itself: a month for many users, some things rare or old."""

from datetime import timedelta

import psycopg

from notify import clock
from notify.store import db, partitions

_SPAN = timedelta(days=30)

# `i` counts from the oldest; what is "long ago" happened only in the first hundredth.
_MESSAGES = """
INSERT INTO message (id, request_id, world, lane, recipient, user_id, tenant_id, list_id, status, event,
  notification, tags, trace_id, enqueued_at, sent_at, archived_at)
SELECT id, CASE WHEN i % 10 = 0 THEN request ELSE id END,
  CASE WHEN i % 20 = 0 THEN 'test' ELSE 'production' END, 'single',
  'user-' || i % 200000, 'user-' || i % 200000,
  CASE WHEN i % 11 = 0 THEN 'tenant-' || (i / 11) % 1000 END,
  CASE WHEN i < {count} / 100 AND i % 997 = 1 THEN 'founders' WHEN i % 3 = 0 THEN 'list-' || i % 20 END,
  CASE WHEN i > {count} - 20 THEN 'ENQUEUED' WHEN i < {count} / 100 AND i % 997 = 1 THEN 'THROTTLED'
    WHEN i % 101 = 7 THEN 'UNDELIVERABLE' WHEN i % 2003 = 1 THEN 'UNROUTABLE'
    WHEN i % 20011 = 1 THEN 'CANCELED' WHEN i % 50 = 3 THEN 'SENT' WHEN i % 50 = 4 THEN 'CLICKED'
    WHEN i % 50 < 8 THEN 'OPENED' ELSE 'DELIVERED' END,
  template, template,
  CASE WHEN i < {count} / 100 AND i % 997 = 1 THEN '{{launch,news}}' WHEN i % 40 = 1 THEN '{{news,spring}}'
    WHEN i % 200 = 11 THEN '{{half}}'
    WHEN i % 10 = 1 THEN '{{news}}' ELSE '{{}}' END::text[],
  CASE WHEN i % 20 = 1 THEN 'trace-' || i END,
  at, at, CASE WHEN i % 500 = 1 THEN at END
FROM (
  SELECT i, at, CASE WHEN i < {count} / 100 AND i % 997 = 1 THEN 'first-launch' ELSE 'template-' || i % 50 END
      AS template,
    (ms || '7' || substr(md5('r' || i / 100), 1, 3) || '8' || substr(md5('m' || i), 1, 15))::uuid AS id,
    (ms || '70008' || substr(md5('r' || i / 100), 1, 15))::uuid AS request
  FROM (
    SELECT i, at, lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12, '0') AS ms
    FROM generate_series(1, {count}) AS i,
      LATERAL (SELECT '{begin}'::timestamptz + i * (interval '{span}' / {count}) AS at) AS t
  ) AS timed
) AS made
"""
_DELIVERIES = """
INSERT INTO delivery
  (message_id, id, leaf, candidate, channel, provider, provider_id, state, tries, started_at)
SELECT id, id, '0', 0, 'email',
  CASE WHEN 'launch' = ANY(tags) THEN 'postmark' WHEN tags <> '{}' THEN 'twilio'
    WHEN status = 'UNDELIVERABLE' THEN 'slack' ELSE 'sendgrid' END,
  id, 'sent', 1, enqueued_at
FROM message WHERE status NOT IN ('ENQUEUED', 'UNROUTABLE', 'THROTTLED') OR 'launch' = ANY(tags)
"""
_WORK = """
INSERT INTO work (id, message_id, world, stage, lane, due_at)
SELECT id, id, world, 'render', 'single', enqueued_at FROM message WHERE status = 'ENQUEUED'
"""


def load(url: str, count: int) -> None:
    """Fill the database at ``url`` with ``count`` messages and what belongs to them."""
    begin = clock.now() - _SPAN
    with db.begin() as tx:
        for week in range(_SPAN.days // 7 + 1):
            partitions.ensure(tx, begin + timedelta(weeks=week), ahead=1)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(_MESSAGES.format(count=count, begin=begin, span=_SPAN).encode())
        connection.execute(_DELIVERIES.encode())
        connection.execute(_WORK.encode())
        connection.execute("VACUUM ANALYZE")
