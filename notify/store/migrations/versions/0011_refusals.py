"""Messages of Celery tasks that were refused, for operators to see."""

from alembic import op
from sqlalchemy import text

revision = "0011"
down_revision = "0010"

_UP: tuple[str, ...] = (
    # Of which world a message was is not always to be made out.
    """CREATE TABLE refusal (
         id uuid PRIMARY KEY, world text, at timestamptz NOT NULL, task_id text NOT NULL, place integer,
         type text NOT NULL, message text NOT NULL
       )""",
    "CREATE INDEX refusal_world ON refusal (world, id)",
)

_DOWN: tuple[str, ...] = ("DROP TABLE refusal",)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
