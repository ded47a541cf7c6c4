"""What providers report, and what follows for addresses."""

from sqlalchemy import Column, DateTime, Index, LargeBinary, PrimaryKeyConstraint, Table

from notify.store.tables.columns import METADATA, NOW, at_column, json_column, text_column, uuid_column

receipt = Table(
    "receipt",
    METADATA,
    uuid_column("id"),
    # Null for what our own tracking links report.
    uuid_column("provider_id", required=False),
    json_column("reported"),
    at_column("received_at", required=True),
    PrimaryKeyConstraint("id"),
)

suppression = Table(
    "suppression",
    METADATA,
    uuid_column("id"),
    text_column("world"),
    text_column("channel"),
    # The address itself is not kept: a keyed digest finds it, the masked form lets people recognise it.
    Column("address_mac", LargeBinary, nullable=False),
    text_column("masked"),
    text_column("reason"),
    text_column("detail", required=False),
    uuid_column("message_id"),
    Column("created_at", DateTime(timezone=True), nullable=False, server_default=NOW),
    PrimaryKeyConstraint("id"),
    Index("suppression_address", "address_mac", "channel", "world", unique=True),
    Index("suppression_world", "world", "id"),
)
