"""The tables. Migrations make them; this is what queries are written against.

Records (``request``, ``message`` and what hangs on a message) are range-partitioned by the message's
UUIDv7, so everything about one message lies in one partition and old partitions are simply dropped.
``work`` is narrow and unpartitioned: its size follows what is unfinished, never the history.
"""

from sqlalchemy import (
    Boolean,
    Column,
    DateTime,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)  # fmt: skip
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID
from sqlalchemy.types import BigInteger

METADATA = MetaData()

_NOW = text("now()")


def _at(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required)


def _text(name: str, *, required: bool = True) -> Column[str]:
    return Column(name, Text, nullable=not required)


def _json(name: str, *, required: bool = True) -> Column[object]:
    return Column(name, JSONB, nullable=not required)


def _uuid(name: str, *, required: bool = True) -> Column[object]:
    return Column(name, UUID, nullable=not required)


# --- records, partitioned by message id ----------------------------------------------------------

request = Table(
    "request",
    METADATA,
    _uuid("id"),
    _text("world"),
    _json("body"),
    _at("created_at", required=True),
    _at("archived_at"),
    PrimaryKeyConstraint("id"),
)

message = Table(
    "message",
    METADATA,
    _uuid("id"),
    _uuid("request_id"),
    _text("world"),
    _text("lane"),
    _text("recipient"),
    _text("user_id", required=False),
    _text("tenant_id", required=False),
    # Its own entry of a fan-out's `to`; null when the request has just this one recipient.
    _json("entry", required=False),
    _text("status"),
    _text("reason", required=False),
    _text("error", required=False),
    _text("event", required=False),
    _text("notification", required=False),
    Column("tags", ARRAY(Text), nullable=False),
    _text("trace_id", required=False),
    _at("enqueued_at", required=True),
    _at("sent_at"),
    _at("delivered_at"),
    _at("opened_at"),
    _at("clicked_at"),
    _at("canceled_at"),
    _at("archived_at"),
    PrimaryKeyConstraint("id"),
    Index("message_world", "world", "id"),
    Index("message_recipient", "world", "recipient", "id"),
    Index("message_request", "request_id", postgresql_where=text("request_id <> id")),
    Index("message_trace", "world", "trace_id", postgresql_where=text("trace_id IS NOT NULL")),
)

message_content = Table(
    "message_content",
    METADATA,
    _uuid("message_id"),
    _json("document"),
    _json("profile"),
    _json("routing", required=False),
    PrimaryKeyConstraint("message_id"),
)

message_plan = Table(
    "message_plan",
    METADATA,
    _uuid("message_id"),
    _json("plan"),
    PrimaryKeyConstraint("message_id"),
)

delivery = Table(
    "delivery",
    METADATA,
    _uuid("message_id"),
    _uuid("id"),
    _text("leaf"),
    Column("candidate", SmallInteger, nullable=False),
    _text("channel"),
    _text("provider"),
    _uuid("provider_id"),
    _text("state"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    _at("started_at", required=True),
    _at("sent_at"),
    _at("delivered_at"),
    _at("opened_at"),
    _at("clicked_at"),
    _text("blame", required=False),
    _text("error", required=False),
    _json("reference", required=False),
    PrimaryKeyConstraint("message_id", "id"),
)

message_event = Table(
    "message_event",
    METADATA,
    _uuid("message_id"),
    Column("seq", BigInteger, Identity(always=True)),
    _at("at", required=True),
    _text("type"),
    _json("detail"),
    Index("message_event_message", "message_id", "seq"),
)

PARTITIONED = (request, message, message_content, message_plan, delivery, message_event)

# --- work ----------------------------------------------------------------------------------------

work = Table(
    "work",
    METADATA,
    _uuid("id"),
    _uuid("message_id"),
    _text("world"),
    _text("stage"),
    _text("lane"),
    Column("channel", Text, nullable=False, server_default=text("''")),
    _at("due_at", required=True),
    Column(
        "lease_until",
        DateTime(timezone=True),
        nullable=False,
        server_default=text("'-infinity'::timestamptz"),
    ),
    Column("attempt", Integer, nullable=False, server_default=text("0")),
    # Claims whose lease ended before their work did: their process died.
    Column("lost", Integer, nullable=False, server_default=text("0")),
    # Due beyond the horizon: no wake-up has been published for it yet.
    Column("parked", Boolean, nullable=False, server_default=text("false")),
    PrimaryKeyConstraint("id"),
    Index("work_ready", "stage", "channel", "lane", "due_at"),
    Index("work_parked", "due_at", postgresql_where=text("parked")),
    Index("work_message", "message_id"),
)

# --- what people edit ----------------------------------------------------------------------------

api_key = Table(
    "api_key",
    METADATA,
    _uuid("id"),
    _text("world"),
    _text("name"),
    # SHA-256 of the key: keys are 256 random bits, so a slow hash would add nothing.
    Column("digest", LargeBinary, nullable=False, unique=True),
    _text("hint"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    _at("revoked_at"),
    PrimaryKeyConstraint("id"),
)

profile = Table(
    "profile",
    METADATA,
    _text("world"),
    _text("user_id"),
    _json("profile"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    Column("updated_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("world", "user_id"),
)

provider = Table(
    "provider",
    METADATA,
    _uuid("id"),
    _text("world"),
    _text("provider"),
    _text("alias", required=False),
    _text("title"),
    _json("settings"),
    # Secret settings, encrypted; see vault.py.
    Column("secrets", LargeBinary, nullable=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    _at("updated_at"),
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
    _text("id"),
    _text("world"),
    _text("alias", required=False),
    _json("draft"),
    Column("published_version", Integer, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    _at("updated_at"),
    _at("archived_at"),
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
    _text("template_id"),
    Column("version", Integer, nullable=False),
    _json("payload"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("template_id", "version"),
)

idempotency = Table(
    "idempotency",
    METADATA,
    _text("world"),
    _text("scope"),
    _text("key"),
    # Null while the first call is under way.
    Column("status", SmallInteger, nullable=True),
    _json("body", required=False),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    _at("expires_at", required=True),
    PrimaryKeyConstraint("world", "scope", "key"),
    Index("idempotency_expiry", "expires_at"),
)

config_version = Table(
    "config_version",
    METADATA,
    Column("id", SmallInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""One row; every change to what the cache holds adds one to it in the same transaction."""
