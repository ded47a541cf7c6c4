"""Sections, topics, what users chose, and the hosted page."""

from sqlalchemy import Boolean, Column, Index, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.types import BigInteger

from notify.store.tables.columns import (
    METADATA,
    at_column,
    id_column,
    json_column,
    made_column,
    text_column,
    uuid_column,
)

preference_section = Table(
    "preference_section",
    METADATA,
    text_column("world"),
    id_column("id"),
    text_column("name"),
    text_column("description", required=False),
    Column("has_custom_routing", Boolean, nullable=False),
    Column("routing_options", ARRAY(Text), nullable=False),
    text_column("creator", required=False),
    text_column("updater", required=False),
    made_column("created_at"),
    at_column("updated_at"),
    at_column("archived_at"),
    PrimaryKeyConstraint("world", "id"),
)

preference_topic = Table(
    "preference_topic",
    METADATA,
    text_column("world"),
    id_column("id"),
    id_column("section_id"),
    text_column("name"),
    text_column("description", required=False),
    text_column("default_status"),
    Column("allowed_preferences", ARRAY(Text), nullable=False),
    Column("routing_options", ARRAY(Text), nullable=False),
    Column("include_unsubscribe_header", Boolean, nullable=False),
    json_column("topic_data"),
    json_column("digest", required=False),
    text_column("creator", required=False),
    text_column("updater", required=False),
    made_column("created_at"),
    at_column("updated_at"),
    at_column("archived_at"),
    PrimaryKeyConstraint("world", "id"),
)

user_preference = Table(
    "user_preference",
    METADATA,
    text_column("world"),
    text_column("user_id"),
    # Empty for what they want everywhere.
    id_column("tenant_id"),
    id_column("topic_id"),
    text_column("status"),
    Column("has_custom_routing", Boolean, nullable=True),
    Column("custom_routing", ARRAY(Text), nullable=True),
    text_column("digest_schedule_id", required=False),
    made_column("updated_at"),
    # Of an opt-out that ends by itself.
    at_column("until"),
    PrimaryKeyConstraint("world", "user_id", "topic_id", "tenant_id"),
    Index("user_preference_tenant", "world", "tenant_id", postgresql_where=text("tenant_id <> ''")),
)

preference_log = Table(
    "preference_log",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    text_column("user_id"),
    id_column("tenant_id", required=False),
    id_column("topic_id"),
    text_column("topic_name"),
    text_column("status"),
    Column("has_custom_routing", Boolean, nullable=False),
    Column("custom_routing", ARRAY(Text), nullable=False),
    json_column("previous", required=False),
    PrimaryKeyConstraint("id"),
    Index("preference_log_world", "world", "id"),
    Index("preference_log_user", "world", "user_id", "id"),
)

preference_page = Table(
    "preference_page",
    METADATA,
    text_column("world"),
    text_column("id"),
    Column("version", BigInteger, nullable=False),
    # The sections and topics as they were when it was published.
    json_column("page"),
    at_column("published_at", required=True),
    text_column("published_by", required=False),
    PrimaryKeyConstraint("world"),
)
