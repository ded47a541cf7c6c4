"""The tables. Migrations make them; this is what queries are written against.

Records (``request``, ``message`` and what hangs on a message) are range-partitioned by the message's
UUIDv7, so everything about one message lies in one partition and old partitions are simply dropped.
``work`` is narrow and unpartitioned: its size follows what is unfinished, never the history.
"""

from sqlalchemy import (
    Boolean,
    Column,
    Computed,
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
    Column("mode", Text, nullable=False, server_default=text("'published'")),
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
    _text("list_id", required=False),
    # The status, but null on the usual way: indexed, it costs nothing where it does not change.
    Column(
        "notable",
        Text,
        Computed("CASE WHEN status IN ('ENQUEUED', 'ROUTED', 'SENT') THEN NULL ELSE status END", True),
    ),
    PrimaryKeyConstraint("id"),
    Index("message_world", "world", "id"),
    Index("message_recipient", "world", "recipient", "id"),
    Index("message_request", "request_id", postgresql_where=text("request_id <> id")),
    Index("message_trace", "world", "trace_id", "id", postgresql_where=text("trace_id IS NOT NULL")),
    Index("message_notable", "world", "notable", "id"),
    Index(
        "message_notification",
        "world",
        "notification",
        "id",
        postgresql_where=text("notification IS NOT NULL"),
    ),
    Index("message_event_name", "world", "event", "id", postgresql_where=text("event IS NOT NULL")),
    Index("message_tenant", "world", "tenant_id", "id", postgresql_where=text("tenant_id IS NOT NULL")),
    Index("message_list", "world", "list_id", "id", postgresql_where=text("list_id IS NOT NULL")),
    Index("message_tags", "tags", postgresql_using="gin", postgresql_where=text("tags <> '{}'")),
)

message_content = Table(
    "message_content",
    METADATA,
    _uuid("message_id"),
    _json("document"),
    _json("profile"),
    _json("routing", required=False),
    _text("guarantee", required=False),
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
    # Only at-most-once deliveries: a call has begun and its outcome is not recorded.
    _at("called_at"),
    _at("complained_at"),
    PrimaryKeyConstraint("message_id", "id"),
    Index("delivery_provider", "provider", "message_id"),
    Index(
        "delivery_reference",
        text("jsonb_hash_extended(reference, 0)"),
        postgresql_where=text("reference <> '{}'"),
    ),
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
    # What a delivery waits for (``model.work.Wait``), and at which provider configuration.
    _uuid("provider_id", required=False),
    _text("waits_for", required=False),
    PrimaryKeyConstraint("id"),
    Index("work_ready", "stage", "channel", "lane", "due_at"),
    Index("work_parked", "due_at", postgresql_where=text("parked")),
    Index("work_message", "message_id"),
    Index(
        "work_waiting",
        "provider_id",
        "waits_for",
        text("lane DESC"),
        "message_id",
        postgresql_where=text("waits_for IS NOT NULL"),
    ),
)

# --- what providers report -----------------------------------------------------------------------

receipt = Table(
    "receipt",
    METADATA,
    _uuid("id"),
    # Null for what our own tracking links report.
    _uuid("provider_id", required=False),
    _json("reported"),
    _at("received_at", required=True),
    PrimaryKeyConstraint("id"),
)

suppression = Table(
    "suppression",
    METADATA,
    _uuid("id"),
    _text("world"),
    _text("channel"),
    # The address itself is not kept: a keyed digest finds it, the masked form lets people recognise it.
    Column("address_mac", LargeBinary, nullable=False),
    _text("masked"),
    _text("reason"),
    _text("detail", required=False),
    _uuid("message_id"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    PrimaryKeyConstraint("id"),
    Index("suppression_address", "address_mac", "channel", "world", unique=True),
    Index("suppression_world", "world", "id"),
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
    Column("kind", Text, nullable=False, server_default=text("'published'")),
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

send_limit = Table(
    "send_limit",
    METADATA,
    _text("world"),
    _text("scope"),
    _text("period"),
    Column("maximum", BigInteger, nullable=False),
    PrimaryKeyConstraint("world", "scope", "period"),
)

send_limit_exempt = Table(
    "send_limit_exempt",
    METADATA,
    _text("world"),
    _text("topic_id"),
    PrimaryKeyConstraint("world", "topic_id"),
)

send_count = Table(
    "send_count",
    METADATA,
    _text("world"),
    _text("scope"),
    _text("period"),
    # Whose messages: a user, a user and a topic, a tenant, as a JSON array.
    _text("subject"),
    # Of the period that is counted; a counter is used again for the next one.
    _at("begins_at", required=True),
    Column("count", BigInteger, nullable=False),
    PrimaryKeyConstraint("world", "scope", "period", "subject"),
    Index("send_count_begins", "begins_at"),
)

config_version = Table(
    "config_version",
    METADATA,
    Column("id", SmallInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""One row; every change to what the cache holds adds one to it in the same transaction."""
