"""Lists, audiences, tenants, tokens and bulk jobs."""

from sqlalchemy import Boolean, Column, Identity, Index, Integer, PrimaryKeyConstraint, Table, Text, text
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

recipient_list = Table(
    "recipient_list",
    METADATA,
    text_column("world"),
    id_column("id"),
    text_column("name"),
    json_column("preferences", required=False),
    made_column("created_at"),
    made_column("updated_at"),
    # It keeps its subscribers, to be restored.
    at_column("deleted_at"),
    PrimaryKeyConstraint("world", "id"),
)

list_subscription = Table(
    "list_subscription",
    METADATA,
    text_column("world"),
    id_column("list_id"),
    text_column("user_id"),
    json_column("preferences", required=False),
    made_column("created_at"),
    PrimaryKeyConstraint("world", "list_id", "user_id"),
    Index("list_subscription_user", "world", "user_id", "list_id"),
)

audience = Table(
    "audience",
    METADATA,
    text_column("world"),
    id_column("id"),
    text_column("name"),
    text_column("description"),
    # Null: it has never had one, and nobody is in it.
    json_column("filter", required=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    made_column("created_at"),
    made_column("updated_at"),
    PrimaryKeyConstraint("world", "id"),
)

tenant = Table(
    "tenant",
    METADATA,
    text_column("world"),
    id_column("id"),
    text_column("name"),
    id_column("parent_id", required=False),
    text_column("brand_id", required=False),
    json_column("properties", required=False),
    json_column("user_profile", required=False),
    made_column("created_at"),
    made_column("updated_at"),
    PrimaryKeyConstraint("world", "id"),
    Index("tenant_parent", "world", "parent_id", "id", postgresql_where=text("parent_id IS NOT NULL")),
)

tenant_member = Table(
    "tenant_member",
    METADATA,
    text_column("world"),
    id_column("tenant_id"),
    text_column("user_id"),
    # What the user is in this tenant only.
    json_column("profile", required=False),
    made_column("created_at"),
    PrimaryKeyConstraint("world", "tenant_id", "user_id"),
    Index("tenant_member_user", "world", "user_id", "tenant_id"),
)

tenant_preference = Table(
    "tenant_preference",
    METADATA,
    text_column("world"),
    id_column("tenant_id"),
    id_column("topic_id"),
    text_column("status"),
    Column("has_custom_routing", Boolean, nullable=True),
    Column("custom_routing", ARRAY(Text), nullable=True),
    PrimaryKeyConstraint("world", "tenant_id", "topic_id"),
)

user_token = Table(
    "user_token",
    METADATA,
    text_column("world"),
    id_column("token"),
    text_column("user_id"),
    text_column("provider_key"),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    text_column("status_reason", required=False),
    json_column("device", required=False),
    json_column("tracking", required=False),
    json_column("properties", required=False),
    # Null: never.
    at_column("expires_at"),
    made_column("created_at"),
    made_column("updated_at"),
    PrimaryKeyConstraint("world", "token"),
    Index("user_token_user", "world", "user_id"),
)

bulk_job = Table(
    "bulk_job",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    json_column("definition"),
    text_column("mode"),
    Column("received", Integer, nullable=False, server_default=text("0")),
    made_column("created_at"),
    # Set by its run: the request that sends it.
    uuid_column("request_id", required=False),
    PrimaryKeyConstraint("id"),
)

bulk_user = Table(
    "bulk_user",
    METADATA,
    uuid_column("job_id"),
    Column("seq", BigInteger, Identity(always=True)),
    # Who it is, so that nobody is in a job twice; null: nobody can tell.
    text_column("key", required=False),
    json_column("given"),
    PrimaryKeyConstraint("job_id", "seq"),
    Index("bulk_user_key", "job_id", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
)
