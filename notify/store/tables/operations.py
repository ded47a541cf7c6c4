"""What operators do and see."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, Table, text
from sqlalchemy.types import BigInteger

from notify.store.tables.columns import METADATA, at_column, json_column, text_column, uuid_column

pause = Table(
    "pause",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    text_column("kind"),
    text_column("key"),
    # The key as people know it: a provider's name, not its configuration's id.
    text_column("label"),
    text_column("reason", required=False),
    text_column("paused_by"),
    at_column("paused_at", required=True),
    # Set until everything it held is on its way again; then the row goes.
    at_column("resumed_at"),
    PrimaryKeyConstraint("id"),
    Index("pause_in_force", "world", "kind", "key", unique=True, postgresql_where=text("resumed_at IS NULL")),
)

audit_event = Table(
    "audit_event",
    METADATA,
    uuid_column("id"),
    # Null for what concerns both worlds.
    text_column("world", required=False),
    at_column("at", required=True),
    text_column("actor_id"),
    text_column("actor"),
    text_column("source"),
    text_column("action"),
    text_column("target_kind"),
    text_column("target_id"),
    json_column("details"),
    PrimaryKeyConstraint("id"),
    Index("audit_event_world", "world", "id"),
)

refusal = Table(
    "refusal",
    METADATA,
    uuid_column("id"),
    # Null where it was not to be made out.
    text_column("world", required=False),
    at_column("at", required=True),
    text_column("task_id"),
    # Which one of the task's messages.
    Column("place", Integer, nullable=True),
    text_column("type"),
    text_column("message"),
    PrimaryKeyConstraint("id"),
    Index("refusal_world", "world", "id"),
)

heartbeat = Table(
    "heartbeat",
    METADATA,
    text_column("name"),
    at_column("at", required=True),
    json_column("detail"),
    PrimaryKeyConstraint("name"),
)

config_version = Table(
    "config_version",
    METADATA,
    Column("id", SmallInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""One row; every change to what the cache holds adds one to it in the same transaction."""
