"""Keys, profiles, providers, templates, destinations and limits."""

from sqlalchemy import (
    Column,
    DateTime,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from notify.store.tables.columns import METADATA, NOW, at_column, json_column, text_column, uuid_column

api_key = Table(
    "api_key",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    text_column("name"),
    # SHA-256 of the key: keys are 256 random bits, so a slow hash would add nothing.
    Column("digest", LargeBinary, nullable=False, unique=True),
    text_column("hint"),
    Column("kind", Text, nullable=False, server_default=text("'published'")),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    at_column("revoked_at"),
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{read,send,manage,admin,keys}'")),
    at_column("expires_at"),
    at_column("last_used_at"),
    PrimaryKeyConstraint("id"),
)

profile = Table(
    "profile",
    METADATA,
    text_column("world"),
    text_column("user_id"),
    json_column("profile"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    PrimaryKeyConstraint("world", "user_id"),
)

provider = Table(
    "provider",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    text_column("provider"),
    text_column("alias", required=False),
    text_column("title"),
    json_column("settings"),
    # Secret settings, encrypted; see vault.py.
    Column("secrets", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    at_column("updated_at"),
    PrimaryKeyConstraint("id"),
    Index("provider_world", "world", "created_at"),
    Index(
        "provider_alias",
        "world",
        "provider",
        "alias",
        unique=True,
        postgresql_where=text("alias IS NOT NULL"),
    ),
)

template = Table(
    "template",
    METADATA,
    text_column("id"),
    text_column("world"),
    text_column("alias", required=False),
    json_column("draft"),
    Column("published_version", Integer, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    at_column("updated_at"),
    at_column("archived_at"),
    PrimaryKeyConstraint("id"),
    Index("template_world", "world", "id"),
    Index(
        "template_alias",
        "world",
        "alias",
        unique=True,
        postgresql_where=text("alias IS NOT NULL AND archived_at IS NULL"),
    ),
)

template_version = Table(
    "template_version",
    METADATA,
    text_column("template_id"),
    Column("version", Integer, nullable=False),
    json_column("payload"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    PrimaryKeyConstraint("template_id", "version"),
)

webhook_destination = Table(
    "webhook_destination",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    text_column("url"),
    text_column("title"),
    # None named: all of them.
    Column("events", ARRAY(Text), nullable=False),
    # Encrypted; null: it gets no signatures.
    Column("secrets", LargeBinary, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    at_column("updated_at"),
    at_column("paused_at"),
    text_column("pause_reason", required=False),
    # The first of the failed calls since the last success, and how many there were.
    at_column("failing_since"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    at_column("archived_at"),
    PrimaryKeyConstraint("id"),
    Index("webhook_destination_world", "world", "id", postgresql_where=text("archived_at IS NULL")),
)

idempotency = Table(
    "idempotency",
    METADATA,
    text_column("world"),
    text_column("scope"),
    text_column("key"),
    # Null while the first call is under way.
    Column("status", SmallInteger, nullable=True),
    json_column("body", required=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    at_column("expires_at", required=True),
    PrimaryKeyConstraint("world", "scope", "key"),
    Index("idempotency_expiry", "expires_at"),
)

send_limit = Table(
    "send_limit",
    METADATA,
    text_column("world"),
    text_column("scope"),
    text_column("period"),
    Column("maximum", BigInteger, nullable=False),
    PrimaryKeyConstraint("world", "scope", "period"),
)

send_limit_exempt = Table(
    "send_limit_exempt",
    METADATA,
    text_column("world"),
    text_column("topic_id"),
    PrimaryKeyConstraint("world", "topic_id"),
)

topic_limit = Table(
    "topic_limit",
    METADATA,
    text_column("world"),
    text_column("topic_id"),
    text_column("period"),
    Column("maximum", BigInteger, nullable=False),
    PrimaryKeyConstraint("world", "topic_id", "period"),
)

send_limit_notice = Table(
    "send_limit_notice",
    METADATA,
    text_column("world"),
    at_column("told_at", required=True),
    PrimaryKeyConstraint("world"),
)

send_count = Table(
    "send_count",
    METADATA,
    text_column("world"),
    text_column("scope"),
    text_column("period"),
    # Whose messages: a user, a user and a topic, a tenant, as a JSON array.
    text_column("subject"),
    # Of the period that is counted; a counter is used again for the next one.
    at_column("begins_at", required=True),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("world", "scope", "period", "subject"),
    Index("send_count_begins", "begins_at"),
)
