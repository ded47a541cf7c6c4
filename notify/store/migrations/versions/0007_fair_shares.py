"""Fair shares: whose turn it is among the senders of one queue."""

from alembic import op
from sqlalchemy import text

revision = "0007"
down_revision = "0006"

_UP: tuple[str, ...] = (
    # Whose it is: what waits at one place is claimed in equal shares. Old versions write no share.
    "ALTER TABLE work ADD COLUMN share text NOT NULL DEFAULT ''",
    # What is due beyond the horizon is not in it: looking for the next sharer passes over nothing in vain.
    """CREATE INDEX work_shares ON work ((stage || channel || lane), share, due_at) WHERE NOT parked
       -- online: the table holds unfinished work only""",
)

_DOWN: tuple[str, ...] = (
    "DROP INDEX work_shares",
    "ALTER TABLE work DROP COLUMN share",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
