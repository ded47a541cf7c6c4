"""What operators need: pauses, audited changes, keys that expire, signs of life."""

from alembic import op
from sqlalchemy import text

revision = "0006"
down_revision = "0005"

_UP: tuple[str, ...] = (
    """CREATE TABLE pause (
         id uuid PRIMARY KEY, world text NOT NULL, kind text NOT NULL, key text NOT NULL, label text NOT NULL,
         reason text, paused_by text NOT NULL, paused_at timestamptz NOT NULL, resumed_at timestamptz
       )""",
    # One in force per subject; a resumed one stays until everything it held is on its way.
    "CREATE UNIQUE INDEX pause_in_force ON pause (world, kind, key) WHERE resumed_at IS NULL",
    # When work that is held was due; with it and the time of the pause, how long it was held.
    "ALTER TABLE work ADD COLUMN was_due timestamptz",
    """CREATE TABLE audit_event (
         id uuid PRIMARY KEY, world text, at timestamptz NOT NULL, actor_id text NOT NULL,
         actor text NOT NULL, source text NOT NULL, action text NOT NULL,
         target_kind text NOT NULL, target_id text NOT NULL, details jsonb NOT NULL
       )""",
    "CREATE INDEX audit_event_world ON audit_event (world, id)",
    """ALTER TABLE api_key
         ADD COLUMN scopes text[] NOT NULL DEFAULT '{read,send,manage,admin}',
         ADD COLUMN expires_at timestamptz, ADD COLUMN last_used_at timestamptz""",
    "CREATE TABLE heartbeat (name text PRIMARY KEY, at timestamptz NOT NULL, detail jsonb NOT NULL)",
)

_DOWN: tuple[str, ...] = (
    "DROP TABLE heartbeat",
    "ALTER TABLE api_key DROP COLUMN last_used_at, DROP COLUMN expires_at, DROP COLUMN scopes",
    "DROP TABLE audit_event",
    # What is held would wait for ever in a version that knows no pauses.
    "UPDATE work SET due_at = was_due, waits_for = NULL, provider_id = NULL WHERE was_due IS NOT NULL",
    "ALTER TABLE work DROP COLUMN was_due",
    "DROP TABLE pause",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
