"""Held work: the rows whose lease ended first are found behind a queue of any length."""

from alembic import op
from sqlalchemy import text

revision = "0014"
down_revision = "0013"

_UP: tuple[str, ...] = (
    """CREATE INDEX work_held ON work ((stage || channel || lane), lease_until)
       WHERE lease_until > '-infinity' -- online: the table holds unfinished work only""",
)

_DOWN: tuple[str, ...] = ("DROP INDEX work_held",)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
