"""Outbound webhooks: destinations, and the log of what each was told."""

from alembic import op
from sqlalchemy import text

from notify import clock
from notify.store import partitions

revision = "0003"
down_revision = "0002"

_UP: tuple[str, ...] = (
    """CREATE TABLE webhook_destination (
         id uuid PRIMARY KEY, world text NOT NULL, url text NOT NULL, title text NOT NULL,
         events text[] NOT NULL, secrets bytea, created_at timestamptz NOT NULL DEFAULT now(),
         updated_at timestamptz, paused_at timestamptz, pause_reason text, failing_since timestamptz,
         failures integer NOT NULL DEFAULT 0, archived_at timestamptz
       )""",
    "CREATE INDEX webhook_destination_world ON webhook_destination (world, id) WHERE archived_at IS NULL",
    """CREATE TABLE webhook_delivery (
         id uuid NOT NULL, destination_id uuid NOT NULL, world text NOT NULL, type text NOT NULL,
         message_id uuid, status text, at timestamptz NOT NULL, body text, state text NOT NULL,
         tries integer NOT NULL DEFAULT 0, started_at timestamptz NOT NULL, answer_status smallint,
         error text, next_try_at timestamptz, ended_at timestamptz,
         PRIMARY KEY (id)
       ) PARTITION BY RANGE (id)""",
    "CREATE INDEX webhook_delivery_destination ON webhook_delivery (destination_id, id)",
    # Most are delivered, and soon: only what is not has to be found by its state.
    """CREATE INDEX webhook_delivery_state ON webhook_delivery (destination_id, state, id)
       WHERE state <> 'delivered'""",
    """CREATE TABLE webhook_attempt (
         delivery_id uuid NOT NULL, at timestamptz NOT NULL, duration_ms integer NOT NULL, status smallint,
         error text
       ) PARTITION BY RANGE (delivery_id)""",
    "CREATE INDEX webhook_attempt_delivery ON webhook_attempt (delivery_id, at)",
)

_DOWN: tuple[str, ...] = (
    "DELETE FROM work WHERE stage = 'hooks'",
    "DROP TABLE webhook_attempt",
    "DROP TABLE webhook_delivery",
    "DROP TABLE webhook_destination",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))
    partitions.ensure(op.get_bind(), clock.now(), tables=("webhook_delivery", "webhook_attempt"))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
