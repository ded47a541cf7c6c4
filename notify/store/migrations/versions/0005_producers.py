"""What producers hand over: the outbox, and files of sends."""

from alembic import op
from sqlalchemy import text

revision = "0005"
down_revision = "0004"

_UP: tuple[str, ...] = ()

_DOWN: tuple[str, ...] = ()


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
