"""The first schema: records partitioned by UUIDv7, the work table, and what people edit."""

from alembic import op
from sqlalchemy import text

from notify import clock
from notify.store import partitions

revision = "0001"
down_revision = None

_RECORDS = """
CREATE TABLE request (
  id uuid NOT NULL, world text NOT NULL, body jsonb NOT NULL,
  created_at timestamptz NOT NULL, archived_at timestamptz,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);

CREATE TABLE message (
  id uuid NOT NULL, request_id uuid NOT NULL, world text NOT NULL, lane text NOT NULL,
  recipient text NOT NULL, user_id text, tenant_id text, entry jsonb,
  status text NOT NULL, reason text, error text,
  event text, notification text, tags text[] NOT NULL, trace_id text,
  enqueued_at timestamptz NOT NULL, sent_at timestamptz, delivered_at timestamptz, opened_at timestamptz,
  clicked_at timestamptz, canceled_at timestamptz, archived_at timestamptz,
  PRIMARY KEY (id)
) PARTITION BY RANGE (id);
CREATE INDEX message_world ON message (world, id);
CREATE INDEX message_recipient ON message (world, recipient, id);
CREATE INDEX message_request ON message (request_id) WHERE request_id <> id;
CREATE INDEX message_trace ON message (world, trace_id) WHERE trace_id IS NOT NULL;

CREATE TABLE message_content (
  message_id uuid NOT NULL, document jsonb NOT NULL, profile jsonb NOT NULL, routing jsonb,
  PRIMARY KEY (message_id)
) PARTITION BY RANGE (message_id);

CREATE TABLE message_plan (
  message_id uuid NOT NULL, plan jsonb NOT NULL, PRIMARY KEY (message_id)
) PARTITION BY RANGE (message_id);

CREATE TABLE delivery (
  message_id uuid NOT NULL, id uuid NOT NULL, leaf text NOT NULL, candidate smallint NOT NULL,
  channel text NOT NULL, provider text NOT NULL, provider_id uuid NOT NULL, state text NOT NULL,
  tries integer NOT NULL DEFAULT 0, started_at timestamptz NOT NULL, sent_at timestamptz,
  delivered_at timestamptz, opened_at timestamptz, clicked_at timestamptz,
  blame text, error text, reference jsonb,
  PRIMARY KEY (message_id, id)
) PARTITION BY RANGE (message_id);

CREATE TABLE message_event (
  message_id uuid NOT NULL, seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY, at timestamptz NOT NULL,
  type text NOT NULL, detail jsonb NOT NULL
) PARTITION BY RANGE (message_id);
CREATE INDEX message_event_message ON message_event (message_id, seq);
"""

# Rows are claimed, handed on and deleted all the time: room on the page keeps the updates in place,
# and vacuum must come early.
_WORK = """
CREATE TABLE work (
  id uuid NOT NULL, message_id uuid NOT NULL, world text NOT NULL, stage text NOT NULL, lane text NOT NULL,
  channel text NOT NULL DEFAULT '', due_at timestamptz NOT NULL,
  lease_until timestamptz NOT NULL DEFAULT '-infinity'::timestamptz,
  attempt integer NOT NULL DEFAULT 0, lost integer NOT NULL DEFAULT 0,
  parked boolean NOT NULL DEFAULT false,
  PRIMARY KEY (id)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000);
CREATE INDEX work_ready ON work (stage, channel, lane, due_at);
CREATE INDEX work_parked ON work (due_at) WHERE parked;
CREATE INDEX work_message ON work (message_id);
"""

_EDITED = """
CREATE TABLE api_key (
  id uuid PRIMARY KEY, world text NOT NULL, name text NOT NULL, digest bytea NOT NULL UNIQUE,
  hint text NOT NULL, created_at timestamptz NOT NULL DEFAULT now(), revoked_at timestamptz
);
CREATE TABLE profile (
  world text NOT NULL, user_id text NOT NULL, profile jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
  PRIMARY KEY (world, user_id)
);
CREATE TABLE provider (
  id uuid PRIMARY KEY, world text NOT NULL, provider text NOT NULL, alias text, title text NOT NULL,
  settings jsonb NOT NULL, secrets bytea NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz
);
CREATE INDEX provider_world ON provider (world, created_at);
CREATE UNIQUE INDEX provider_alias ON provider (world, provider, alias) WHERE alias IS NOT NULL;
CREATE TABLE template (
  id text PRIMARY KEY, world text NOT NULL, alias text, draft jsonb NOT NULL, published_version integer,
  created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz, archived_at timestamptz
);
CREATE INDEX template_world ON template (world, id);
CREATE UNIQUE INDEX template_alias ON template (world, alias)
  WHERE alias IS NOT NULL AND archived_at IS NULL;
CREATE TABLE template_version (
  template_id text NOT NULL, version integer NOT NULL, payload jsonb NOT NULL,
  created_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (template_id, version)
);
CREATE TABLE idempotency (
  world text NOT NULL, scope text NOT NULL, key text NOT NULL, status smallint, body jsonb,
  created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz NOT NULL,
  PRIMARY KEY (world, scope, key)
);
CREATE INDEX idempotency_expiry ON idempotency (expires_at);
CREATE TABLE config_version (id smallint PRIMARY KEY, version bigint NOT NULL);
INSERT INTO config_version VALUES (1, 1);
"""

_TABLES = (
    "config_version", "idempotency", "template_version", "template", "provider", "profile",
    "api_key", "work", "message_event", "delivery", "message_plan", "message_content", "message", "request",
)  # fmt: skip
_PARTITIONED = ("request", "message", "message_content", "message_plan", "delivery", "message_event")


def upgrade() -> None:
    for script in (_RECORDS, _WORK, _EDITED):
        for statement in filter(str.strip, script.split(";")):
            op.execute(text(statement))
    partitions.ensure(op.get_bind(), clock.now(), tables=_PARTITIONED)


def downgrade() -> None:
    for table in _TABLES:
        op.execute(text(f"DROP TABLE {table}"))
