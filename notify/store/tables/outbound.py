"""What destinations of our own events were told, partitioned by week of the delivery's UUIDv7."""

from sqlalchemy import Column, Index, Integer, PrimaryKeyConstraint, SmallInteger, Table, text

from notify.store.tables.columns import METADATA, at_column, text_column, uuid_column

webhook_delivery = Table(
    "webhook_delivery",
    METADATA,
    uuid_column("id"),
    uuid_column("destination_id"),
    text_column("world"),
    text_column("type"),
    uuid_column("message_id", required=False),
    text_column("status", required=False),
    at_column("at", required=True),
    # As it is sent, byte by byte; null until the first try.
    text_column("body", required=False),
    text_column("state"),
    Column("tries", Integer, nullable=False, server_default=text("0")),
    at_column("started_at", required=True),
    Column("answer_status", SmallInteger, nullable=True),
    text_column("error", required=False),
    at_column("next_try_at"),
    at_column("ended_at"),
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
    uuid_column("delivery_id"),
    at_column("at", required=True),
    Column("duration_ms", Integer, nullable=False),
    Column("status", SmallInteger, nullable=True),
    text_column("error", required=False),
    Index("webhook_attempt_delivery", "delivery_id", "at"),
)
