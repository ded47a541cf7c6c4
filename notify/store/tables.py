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
from sqlalchemy.types import BigInteger, UserDefinedType

METADATA = MetaData()


class XID8(UserDefinedType[str]):
    """A transaction's id, which never wraps around."""

    cache_ok = True

    def get_col_spec(self, **_: object) -> str:
        """Its name in PostgreSQL."""
        return "xid8"


_NOW = text("now()")


def _at(name: str, *, required: bool = False) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=not required)


def _text(name: str, *, required: bool = True) -> Column[str]:
    return Column(name, Text, nullable=not required)


def _json(name: str, *, required: bool = True) -> Column[object]:
    return Column(name, JSONB(none_as_null=True), nullable=not required)


def _uuid(name: str, *, required: bool = True) -> Column[object]:
    return Column(name, UUID, nullable=not required)


def _id(name: str, *, required: bool = True) -> Column[str]:
    """Ids that people choose; they sort by their bytes."""
    return Column(name, Text(collation="C"), nullable=not required)


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
    # How far its expansion has come: which entry of `to`, after whom, how many messages, until when.
    Column("expand_entry", Integer, nullable=True),
    _text("expand_after", required=False),
    Column("expanded", BigInteger, nullable=True),
    _at("expanded_at"),
    _text("expand_error", required=False),
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
    # The template's; the message's own is in its request.
    _text("topic_id", required=False),
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
    _json("response", required=False),
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

# --- what destinations of our own events were told, partitioned by delivery id --------------------

webhook_delivery = Table(
    "webhook_delivery",
    METADATA,
    _uuid("id"),
    _uuid("destination_id"),
    _text("world"),
    _text("type"),
    _uuid("message_id", required=False),
    _text("status", required=False),
    _at("at", required=True),
    # As it is sent, byte by byte; null until the first try.
    _text("body", required=False),
    _text("state"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    _at("started_at", required=True),
    Column("answer_status", SmallInteger, nullable=True),
    _text("error", required=False),
    _at("next_try_at"),
    _at("ended_at"),
    PrimaryKeyConstraint("id"),
    Index("webhook_delivery_destination", "destination_id", "id"),
    Index(
        "webhook_delivery_state",
        "destination_id",
        "state",
        "id",
        postgresql_where=text("state <> 'delivered'"),
    ),
)

webhook_attempt = Table(
    "webhook_attempt",
    METADATA,
    _uuid("delivery_id"),
    _at("at", required=True),
    Column("duration_ms", Integer, nullable=False),
    Column("status", SmallInteger, nullable=True),
    _text("error", required=False),
    Index("webhook_attempt_delivery", "delivery_id", "at"),
)

PARTITIONED = (
    request, message, message_content, message_plan, delivery, message_event, webhook_delivery,
    webhook_attempt,
)  # fmt: skip

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
    # For what is paused it is the pause, and ``was_due`` the time it was due before.
    _uuid("provider_id", required=False),
    _text("waits_for", required=False),
    _at("was_due"),
    # Whose it is, tenant or world: what waits at one place is claimed in equal shares.
    Column("share", Text, nullable=False, server_default=text("''")),
    PrimaryKeyConstraint("id"),
    Index("work_ready", "stage", "channel", "lane", "due_at"),
    Index(
        "work_shares",
        text("((stage || channel) || lane)"),
        "share",
        "due_at",
        postgresql_where=text("NOT parked"),
    ),
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
    Column("scopes", ARRAY(Text), nullable=False, server_default=text("'{read,send,manage,admin}'")),
    _at("expires_at"),
    _at("last_used_at"),
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

webhook_destination = Table(
    "webhook_destination",
    METADATA,
    _uuid("id"),
    _text("world"),
    _text("url"),
    _text("title"),
    # None named: all of them.
    Column("events", ARRAY(Text), nullable=False),
    # Encrypted; null: it gets no signatures.
    Column("secrets", LargeBinary, nullable=True),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=_NOW),
    _at("updated_at"),
    _at("paused_at"),
    _text("pause_reason", required=False),
    # The first of the failed calls since the last success, and how many there were.
    _at("failing_since"),
    Column("failures", Integer, nullable=False, server_default=text("0")),
    _at("archived_at"),
    PrimaryKeyConstraint("id"),
    Index("webhook_destination_world", "world", "id", postgresql_where=text("archived_at IS NULL")),
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

topic_limit = Table(
    "topic_limit",
    METADATA,
    _text("world"),
    _text("topic_id"),
    _text("period"),
    Column("maximum", BigInteger, nullable=False),
    PrimaryKeyConstraint("world", "topic_id", "period"),
)

send_limit_notice = Table(
    "send_limit_notice",
    METADATA,
    _text("world"),
    _at("told_at", required=True),
    PrimaryKeyConstraint("world"),
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

# --- recipients ----------------------------------------------------------------------------------


def _made(name: str) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=False, server_default=_NOW)


recipient_list = Table(
    "recipient_list",
    METADATA,
    _text("world"),
    _id("id"),
    _text("name"),
    _json("preferences", required=False),
    _made("created_at"),
    _made("updated_at"),
    # It keeps its subscribers, to be restored.
    _at("deleted_at"),
    PrimaryKeyConstraint("world", "id"),
)

list_subscription = Table(
    "list_subscription",
    METADATA,
    _text("world"),
    _id("list_id"),
    _text("user_id"),
    _json("preferences", required=False),
    _made("created_at"),
    PrimaryKeyConstraint("world", "list_id", "user_id"),
    Index("list_subscription_user", "world", "user_id", "list_id"),
)

audience = Table(
    "audience",
    METADATA,
    _text("world"),
    _id("id"),
    _text("name"),
    _text("description"),
    # Null: it has never had one, and nobody is in it.
    _json("filter", required=False),
    Column("version", Integer, nullable=False, server_default=text("1")),
    _made("created_at"),
    _made("updated_at"),
    PrimaryKeyConstraint("world", "id"),
)

tenant = Table(
    "tenant",
    METADATA,
    _text("world"),
    _id("id"),
    _text("name"),
    _id("parent_id", required=False),
    _text("brand_id", required=False),
    _json("properties", required=False),
    _json("user_profile", required=False),
    _made("created_at"),
    _made("updated_at"),
    PrimaryKeyConstraint("world", "id"),
    Index("tenant_parent", "world", "parent_id", "id", postgresql_where=text("parent_id IS NOT NULL")),
)

tenant_member = Table(
    "tenant_member",
    METADATA,
    _text("world"),
    _id("tenant_id"),
    _text("user_id"),
    # What the user is in this tenant only.
    _json("profile", required=False),
    _made("created_at"),
    PrimaryKeyConstraint("world", "tenant_id", "user_id"),
    Index("tenant_member_user", "world", "user_id", "tenant_id"),
)

tenant_preference = Table(
    "tenant_preference",
    METADATA,
    _text("world"),
    _id("tenant_id"),
    _id("topic_id"),
    _text("status"),
    Column("has_custom_routing", Boolean, nullable=True),
    Column("custom_routing", ARRAY(Text), nullable=True),
    PrimaryKeyConstraint("world", "tenant_id", "topic_id"),
)

user_token = Table(
    "user_token",
    METADATA,
    _text("world"),
    _id("token"),
    _text("user_id"),
    _text("provider_key"),
    Column("status", Text, nullable=False, server_default=text("'active'")),
    _text("status_reason", required=False),
    _json("device", required=False),
    _json("tracking", required=False),
    _json("properties", required=False),
    # Null: never.
    _at("expires_at"),
    _made("created_at"),
    _made("updated_at"),
    PrimaryKeyConstraint("world", "token"),
    Index("user_token_user", "world", "user_id"),
)

bulk_job = Table(
    "bulk_job",
    METADATA,
    _uuid("id"),
    _text("world"),
    _json("definition"),
    _text("mode"),
    Column("received", Integer, nullable=False, server_default=text("0")),
    _made("created_at"),
    # Set by its run: the request that sends it.
    _uuid("request_id", required=False),
    PrimaryKeyConstraint("id"),
)

bulk_user = Table(
    "bulk_user",
    METADATA,
    _uuid("job_id"),
    Column("seq", BigInteger, Identity(always=True)),
    # Who it is, so that nobody is in a job twice; null: nobody can tell.
    _text("key", required=False),
    _json("given"),
    PrimaryKeyConstraint("job_id", "seq"),
    Index("bulk_user_key", "job_id", "key", unique=True, postgresql_where=text("key IS NOT NULL")),
)

# --- preferences ---------------------------------------------------------------------------------

preference_section = Table(
    "preference_section",
    METADATA,
    _text("world"),
    _id("id"),
    _text("name"),
    _text("description", required=False),
    Column("has_custom_routing", Boolean, nullable=False),
    Column("routing_options", ARRAY(Text), nullable=False),
    _text("creator", required=False),
    _text("updater", required=False),
    _made("created_at"),
    _at("updated_at"),
    _at("archived_at"),
    PrimaryKeyConstraint("world", "id"),
)

preference_topic = Table(
    "preference_topic",
    METADATA,
    _text("world"),
    _id("id"),
    _id("section_id"),
    _text("name"),
    _text("description", required=False),
    _text("default_status"),
    Column("allowed_preferences", ARRAY(Text), nullable=False),
    Column("routing_options", ARRAY(Text), nullable=False),
    Column("include_unsubscribe_header", Boolean, nullable=False),
    _json("topic_data"),
    _json("digest", required=False),
    _text("creator", required=False),
    _text("updater", required=False),
    _made("created_at"),
    _at("updated_at"),
    _at("archived_at"),
    PrimaryKeyConstraint("world", "id"),
)

user_preference = Table(
    "user_preference",
    METADATA,
    _text("world"),
    _text("user_id"),
    # Empty for what they want everywhere.
    _id("tenant_id"),
    _id("topic_id"),
    _text("status"),
    Column("has_custom_routing", Boolean, nullable=True),
    Column("custom_routing", ARRAY(Text), nullable=True),
    _text("digest_schedule_id", required=False),
    _made("updated_at"),
    PrimaryKeyConstraint("world", "user_id", "topic_id", "tenant_id"),
    Index("user_preference_tenant", "world", "tenant_id", postgresql_where=text("tenant_id <> ''")),
)

preference_log = Table(
    "preference_log",
    METADATA,
    _uuid("id"),
    _text("world"),
    _text("user_id"),
    _id("tenant_id", required=False),
    _id("topic_id"),
    _text("topic_name"),
    _text("status"),
    Column("has_custom_routing", Boolean, nullable=False),
    Column("custom_routing", ARRAY(Text), nullable=False),
    _json("previous", required=False),
    PrimaryKeyConstraint("id"),
    Index("preference_log_world", "world", "id"),
    Index("preference_log_user", "world", "user_id", "id"),
)

preference_page = Table(
    "preference_page",
    METADATA,
    _text("world"),
    _text("id"),
    Column("version", BigInteger, nullable=False),
    # The sections and topics as they were when it was published.
    _json("page"),
    _at("published_at", required=True),
    _text("published_by", required=False),
    PrimaryKeyConstraint("world"),
)

# --- content -------------------------------------------------------------------------------------

routing_strategy = Table(
    "routing_strategy",
    METADATA,
    _id("id"),
    _text("world"),
    _text("name"),
    _text("description", required=False),
    Column("tags", ARRAY(Text), nullable=True),
    _json("routing"),
    _json("channels"),
    _json("providers"),
    _made("created_at"),
    _at("updated_at"),
    _at("archived_at"),
    PrimaryKeyConstraint("id"),
    Index("routing_strategy_world", "world", "id"),
)

brand = Table(
    "brand",
    METADATA,
    _text("world"),
    _id("id"),
    _text("name"),
    _json("settings"),
    _json("snippets"),
    Column("is_default", Boolean, nullable=False),
    _made("created_at"),
    _made("updated_at"),
    PrimaryKeyConstraint("world", "id"),
    Index("brand_default", "world", unique=True, postgresql_where=text("is_default")),
)

translation = Table(
    "translation",
    METADATA,
    _text("world"),
    _text("domain"),
    _id("locale"),
    _text("po"),
    # What is sent with it, worked out from `po`, and the digest that says whether it is the same.
    _json("catalog"),
    _text("digest"),
    _made("updated_at"),
    PrimaryKeyConstraint("world", "domain", "locale"),
)

tenant_template = Table(
    "tenant_template",
    METADATA,
    _text("world"),
    _id("tenant_id"),
    _id("id"),
    Column("published_version", Integer, nullable=True),
    _at("published_at"),
    _made("created_at"),
    _made("updated_at"),
    PrimaryKeyConstraint("world", "tenant_id", "id"),
)

tenant_template_version = Table(
    "tenant_template_version",
    METADATA,
    _text("world"),
    _id("tenant_id"),
    _id("id"),
    Column("version", Integer, nullable=False),
    _json("payload"),
    _made("created_at"),
    PrimaryKeyConstraint("world", "tenant_id", "id", "version"),
)

template_submission = Table(
    "template_submission",
    METADATA,
    _text("template_id"),
    _text("id"),
    _json("checks"),
    _made("created_at"),
    _at("ended_at"),
    PrimaryKeyConstraint("template_id", "id"),
    Index("template_submission_open", "template_id", unique=True, postgresql_where=text("ended_at IS NULL")),
)

inbound_event = Table(
    "inbound_event",
    METADATA,
    _uuid("id"),
    _text("world"),
    _text("event"),
    _text("message_id"),
    _text("user_id", required=False),
    _json("properties"),
    _at("received_at", required=True),
    # Readers go by the order of transactions, so that they miss none that commits late.
    Column("transaction_id", XID8, nullable=False, server_default=text("pg_current_xact_id()")),
    PrimaryKeyConstraint("id"),
    Index("inbound_event_message", "world", "message_id", unique=True),
    Index("inbound_event_order", "transaction_id", "id"),
)

# --- what operators do and see -------------------------------------------------------------------

pause = Table(
    "pause",
    METADATA,
    _uuid("id"),
    _text("world"),
    _text("kind"),
    _text("key"),
    # The key as people know it: a provider's name, not its configuration's id.
    _text("label"),
    _text("reason", required=False),
    _text("paused_by"),
    _at("paused_at", required=True),
    # Set until everything it held is on its way again; then the row goes.
    _at("resumed_at"),
    PrimaryKeyConstraint("id"),
    Index("pause_in_force", "world", "kind", "key", unique=True, postgresql_where=text("resumed_at IS NULL")),
)

audit_event = Table(
    "audit_event",
    METADATA,
    _uuid("id"),
    # Null for what concerns both worlds.
    _text("world", required=False),
    _at("at", required=True),
    _text("actor_id"),
    _text("actor"),
    _text("source"),
    _text("action"),
    _text("target_kind"),
    _text("target_id"),
    _json("details"),
    PrimaryKeyConstraint("id"),
    Index("audit_event_world", "world", "id"),
)

heartbeat = Table(
    "heartbeat",
    METADATA,
    _text("name"),
    _at("at", required=True),
    _json("detail"),
    PrimaryKeyConstraint("name"),
)

config_version = Table(
    "config_version",
    METADATA,
    Column("id", SmallInteger, primary_key=True),
    Column("version", BigInteger, nullable=False),
)
"""One row; every change to what the cache holds adds one to it in the same transaction."""
