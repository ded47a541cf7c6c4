"""Making API keys takes a scope of its own."""

from alembic import op
from sqlalchemy import text

revision = "0012"
down_revision = "0011"

_UP: tuple[str, ...] = (
    "ALTER TABLE api_key ALTER COLUMN scopes SET DEFAULT '{read,send,manage,admin,keys}'",
    # Keys that may do everything still may; an operator's key has never made any.
    """UPDATE api_key SET scopes = scopes || '{keys}'
       WHERE scopes @> '{read,send,manage,admin}' AND NOT scopes @> '{keys}'
       -- online: a few rows, read by id""",
)

_DOWN: tuple[str, ...] = (
    "UPDATE api_key SET scopes = array_remove(scopes, 'keys')",
    "ALTER TABLE api_key ALTER COLUMN scopes SET DEFAULT '{read,send,manage,admin}'",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
