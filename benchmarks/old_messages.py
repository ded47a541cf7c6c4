"""A history of messages, made by PostgreSQL itself: a month for many users, some things rare or old."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import psycopg
from sqlalchemy import create_engine

from notify import clock
from notify.store import partitions

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
  CASE WHEN i > {count} - {waiting} THEN 'ENQUEUED' WHEN i < {count} / 100 AND i % 997 = 1 THEN 'THROTTLED'
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
_REQUESTS = """
INSERT INTO request (id, world, body, created_at)
SELECT id, world, jsonb_build_object('to', jsonb_build_object('user_id', user_id), 'template', notification,
  'data', jsonb_build_object('name', 'Ada', 'order', recipient)), enqueued_at
FROM message WHERE id = request_id
"""
_CONTENTS = """
INSERT INTO message_content (message_id, document, profile)
SELECT id, jsonb_build_object('elements', jsonb_build_array(jsonb_build_object('type', 'text', 'text',
    'Hello Ada, it has been shipped to you, ' || recipient)), 'warnings', jsonb_build_array()),
  jsonb_build_object('phone_number', '+1555' || lpad(right(recipient, 6), 7, '0'))
FROM message
"""
_PLANS = """
INSERT INTO message_plan (message_id, plan)
SELECT id, jsonb_build_object('root', jsonb_build_object('type', 'node', 'method', 'single'),
  'deadline', enqueued_at + interval '1 day')
FROM message
"""
_EVENTS = """
INSERT INTO message_event (message_id, at, type, detail)
SELECT id, enqueued_at, type, jsonb_build_object('channel', 'email', 'reference', recipient)
FROM message CROSS JOIN unnest(ARRAY['PROFILE_LOADED', 'ROUTED', 'SENT']) AS type
"""


def load(url: str, count: int, *, waiting: int = 20) -> None:
    """Fill the database at ``url`` with ``count`` messages and their deliveries; the last ones still wait."""
    _make_partitions(url)
    _run(url, _MESSAGES.format(count=count, waiting=waiting, begin=clock.now() - _SPAN, span=_SPAN))
    _run(url, _DELIVERIES)
    _run(url, _WORK)
    _run(url, "VACUUM ANALYZE")


def load_all(url: str, count: int) -> None:
    """``count`` messages that are over, and every record that such messages leave."""
    _make_partitions(url)
    _run(url, _MESSAGES.format(count=count, waiting=0, begin=clock.now() - _SPAN, span=_SPAN))
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda one: _run(url, one), (_EVENTS, _DELIVERIES, _CONTENTS, _PLANS, _REQUESTS)))
    _run(url, "VACUUM ANALYZE")
    _run(url, "CHECKPOINT")


def _make_partitions(url: str) -> None:
    engine = create_engine(url.replace("postgresql://", "postgresql+psycopg://", 1))
    with engine.begin() as tx:
        for week in range(_SPAN.days // 7 + 1):
            partitions.ensure(tx, clock.now() - _SPAN + timedelta(weeks=week), ahead=1)
    engine.dispose()


def _run(url: str, statement: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute(statement.encode())
