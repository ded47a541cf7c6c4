"""What is not finished yet: narrow and unpartitioned, so its size never follows the history."""

from sqlalchemy import Boolean, Column, DateTime, Index, Integer, PrimaryKeyConstraint, Table, Text, text

from notify.store.tables.columns import METADATA, at_column, text_column, uuid_column

work = Table(
    "work",
    METADATA,
    uuid_column("id"),
    uuid_column("message_id"),
    text_column("world"),
    text_column("stage"),
    text_column("lane"),
    Column("channel", Text, nullable=False, server_default=text("''")),
    at_column("due_at", required=True),
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
    uuid_column("provider_id", required=False),
    text_column("waits_for", required=False),
    at_column("was_due"),
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
    Index(
        "work_held",
        text("((stage || channel) || lane)"),
        "lease_until",
        postgresql_where=text("lease_until > '-infinity'::timestamptz"),
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
