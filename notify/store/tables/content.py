"""Routing strategies, brands, translations, templates of tenants."""

from sqlalchemy import Boolean, Column, Index, Integer, PrimaryKeyConstraint, Table, Text, text
from sqlalchemy.dialects.postgresql import ARRAY

from notify.store.tables.columns import (
    METADATA,
    XID8,
    at_column,
    id_column,
    json_column,
    made_column,
    text_column,
    uuid_column,
)

routing_strategy = Table(
    "routing_strategy",
    METADATA,
    id_column("id"),
    text_column("world"),
    text_column("name"),
    text_column("description", required=False),
    Column("tags", ARRAY(Text), nullable=True),
    json_column("routing"),
    json_column("channels"),
    json_column("providers"),
    made_column("created_at"),
    at_column("updated_at"),
    at_column("archived_at"),
    PrimaryKeyConstraint("id"),
    Index("routing_strategy_world", "world", "id"),
)

brand = Table(
    "brand",
    METADATA,
    text_column("world"),
    id_column("id"),
    text_column("name"),
    json_column("settings"),
    json_column("snippets"),
    Column("is_default", Boolean, nullable=False),
    made_column("created_at"),
    made_column("updated_at"),
    PrimaryKeyConstraint("world", "id"),
    Index("brand_default", "world", unique=True, postgresql_where=text("is_default")),
)

translation = Table(
    "translation",
    METADATA,
    text_column("world"),
    text_column("domain"),
    id_column("locale"),
    text_column("po"),
    # What is sent with it, worked out from `po`, and the digest that says whether it is the same.
    json_column("catalog"),
    text_column("digest"),
    made_column("updated_at"),
    PrimaryKeyConstraint("world", "domain", "locale"),
)

tenant_template = Table(
    "tenant_template",
    METADATA,
    text_column("world"),
    id_column("tenant_id"),
    id_column("id"),
    Column("published_version", Integer, nullable=True),
    at_column("published_at"),
    made_column("created_at"),
    made_column("updated_at"),
    PrimaryKeyConstraint("world", "tenant_id", "id"),
)

tenant_template_version = Table(
    "tenant_template_version",
    METADATA,
    text_column("world"),
    id_column("tenant_id"),
    id_column("id"),
    Column("version", Integer, nullable=False),
    json_column("payload"),
    made_column("created_at"),
    PrimaryKeyConstraint("world", "tenant_id", "id", "version"),
)

template_submission = Table(
    "template_submission",
    METADATA,
    text_column("template_id"),
    text_column("id"),
    json_column("checks"),
    made_column("created_at"),
    at_column("ended_at"),
    PrimaryKeyConstraint("template_id", "id"),
    Index("template_submission_open", "template_id", unique=True, postgresql_where=text("ended_at IS NULL")),
)

inbound_event = Table(
    "inbound_event",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    text_column("event"),
    text_column("message_id"),
    text_column("user_id", required=False),
    json_column("properties"),
    at_column("received_at", required=True),
    # Readers go by the order of transactions, so that they miss none that commits late.
    Column("transaction_id", XID8, nullable=False, server_default=text("pg_current_xact_id()")),
    PrimaryKeyConstraint("id"),
    Index("inbound_event_message", "world", "message_id", unique=True),
    Index("inbound_event_order", "transaction_id", "id"),
)
