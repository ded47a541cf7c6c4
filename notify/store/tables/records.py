"""Records of messages, partitioned by week of the message's UUIDv7."""

from sqlalchemy import (
    Column,
    Computed,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from notify.store.tables.columns import METADATA, at_column, json_column, text_column, uuid_column

request = Table(
    "request",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    json_column("body"),
    Column("mode", Text, nullable=False, server_default=text("'published'")),
    at_column("created_at", required=True),
    at_column("archived_at"),
    # How far its expansion has come: which entry of `to`, after whom, how many messages, until when.
    Column("expand_entry", Integer, nullable=True),
    text_column("expand_after", required=False),
    Column("expanded", BigInteger, nullable=True),
    at_column("expanded_at"),
    text_column("expand_error", required=False),
    PrimaryKeyConstraint("id"),
)

message = Table(
    "message",
    METADATA,
    uuid_column("id"),
    uuid_column("request_id"),
    text_column("world"),
    text_column("lane"),
    text_column("recipient"),
    text_column("user_id", required=False),
    text_column("tenant_id", required=False),
    # Its own entry of a fan-out's `to`; null when the request has just this one recipient.
    json_column("entry", required=False),
    text_column("status"),
    text_column("reason", required=False),
    text_column("error", required=False),
    text_column("event", required=False),
    text_column("notification", required=False),
    Column("tags", ARRAY(Text), nullable=False),
    text_column("trace_id", required=False),
    at_column("enqueued_at", required=True),
    at_column("sent_at"),
    at_column("delivered_at"),
    at_column("opened_at"),
    at_column("clicked_at"),
    at_column("canceled_at"),
    at_column("archived_at"),
    text_column("list_id", required=False),
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
    uuid_column("message_id"),
    json_column("document"),
    json_column("profile"),
    json_column("routing", required=False),
    text_column("guarantee", required=False),
    # The template's; the message's own is in its request.
    text_column("topic_id", required=False),
    PrimaryKeyConstraint("message_id"),
)

message_plan = Table(
    "message_plan",
    METADATA,
    uuid_column("message_id"),
    json_column("plan"),
    PrimaryKeyConstraint("message_id"),
)

delivery = Table(
    "delivery",
    METADATA,
    uuid_column("message_id"),
    uuid_column("id"),
    text_column("leaf"),
    Column("candidate", SmallInteger, nullable=False),
    text_column("channel"),
    text_column("provider"),
    uuid_column("provider_id"),
    text_column("state"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    at_column("started_at", required=True),
    at_column("sent_at"),
    at_column("delivered_at"),
    at_column("opened_at"),
    at_column("clicked_at"),
    text_column("blame", required=False),
    text_column("error", required=False),
    json_column("reference", required=False),
    # Only at-most-once deliveries: a call has begun and its outcome is not recorded.
    at_column("called_at"),
    at_column("complained_at"),
    json_column("response", required=False),
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
    uuid_column("message_id"),
    Column("seq", BigInteger, Identity(always=True)),
    at_column("at", required=True),
    text_column("type"),
    json_column("detail"),
    Index("message_event_message", "message_id", "seq"),
)
