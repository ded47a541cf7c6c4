"""Snooze: what a user opted out of for a time."""

from alembic import op
from sqlalchemy import text

revision = "0013"
down_revision = "0012"

_UP: tuple[str, ...] = ("ALTER TABLE user_preference ADD COLUMN until timestamptz",)

_DOWN: tuple[str, ...] = ("ALTER TABLE user_preference DROP COLUMN until",)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
