"""What the last of the delivery rules need: limits of single topics, the e-mail about limits, answers."""

from alembic import op
from sqlalchemy import text

revision = "0004"
down_revision = "0003"

_UP: tuple[str, ...] = (
    # A topic's own limit per user, which beats the one for every topic.
    """CREATE TABLE topic_limit (
         world text NOT NULL, topic_id text NOT NULL, period text NOT NULL, maximum bigint NOT NULL,
         PRIMARY KEY (world, topic_id, period)
       )""",
    # When the administrator was last told that a limit holds messages back.
    "CREATE TABLE send_limit_notice (world text PRIMARY KEY, told_at timestamptz NOT NULL)",
    # The template's topic: a delayed message counts when it goes out.
    "ALTER TABLE message_content ADD COLUMN topic_id text",
    # What the provider answered last, bounded and without secrets.
    "ALTER TABLE delivery ADD COLUMN response jsonb",
)

_DOWN: tuple[str, ...] = (
    "ALTER TABLE delivery DROP COLUMN response",
    "ALTER TABLE message_content DROP COLUMN topic_id",
    "DROP TABLE send_limit_notice",
    "DROP TABLE topic_limit",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
