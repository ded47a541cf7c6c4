"""What the delivery rules need: one list of statements up, one down, in reverse."""

from alembic import op
from sqlalchemy import text

revision = "0002"
down_revision = "0001"


def _storage(parameters: str) -> str:
    return f"""DO $$ DECLARE part regclass; BEGIN
         FOR part IN SELECT inhrelid FROM pg_inherits WHERE inhparent = 'message'::regclass LOOP
           EXECUTE format('ALTER TABLE %s {parameters}', part);
         END LOOP; END $$"""


_UP: tuple[str, ...] = (
    # What a key's sends do, and by which key a request came: published, draft or mock.
    "ALTER TABLE api_key ADD COLUMN kind text NOT NULL DEFAULT 'published'",
    "ALTER TABLE request ADD COLUMN mode text NOT NULL DEFAULT 'published'",
    # When the call of an at-most-once delivery began that has no outcome yet.
    "ALTER TABLE delivery ADD COLUMN called_at timestamptz",
    "ALTER TABLE message_content ADD COLUMN guarantee text",
    # What providers report: durable before the provider gets its answer, gone once it is applied.
    """CREATE TABLE receipt (
         id uuid PRIMARY KEY, provider_id uuid, reported jsonb NOT NULL, received_at timestamptz NOT NULL
       ) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000)""",
    "ALTER TABLE delivery ADD COLUMN complained_at timestamptz",
    # References are of any length and often repeat, hence their hash.
    "CREATE INDEX delivery_reference ON delivery (jsonb_hash_extended(reference, 0)) WHERE reference <> '{}'",
    """CREATE TABLE suppression (
         id uuid PRIMARY KEY, world text NOT NULL, channel text NOT NULL, address_mac bytea NOT NULL,
         masked text NOT NULL, reason text NOT NULL, detail text, message_id uuid NOT NULL,
         created_at timestamptz NOT NULL DEFAULT now()
       )""",
    "CREATE UNIQUE INDEX suppression_address ON suppression (address_mac, channel, world)",
    "CREATE INDEX suppression_world ON suppression (world, id)",
    # What a delivery waits for, and at which provider configuration: only waiting rows are in the index.
    "ALTER TABLE work ADD COLUMN provider_id uuid, ADD COLUMN waits_for text",
    """CREATE INDEX work_waiting ON work (provider_id, waits_for, lane DESC, message_id)
       WHERE waits_for IS NOT NULL""",
    # What GET /messages looks for. An index over `status` would be written at each step of every message, and
    # so would, with it, all the others; `notable` stays null on the usual way and costs next to nothing.
    """ALTER TABLE message ADD COLUMN list_id text, ADD COLUMN notable text GENERATED ALWAYS AS (
         CASE WHEN status IN ('ENQUEUED', 'ROUTED', 'SENT') THEN NULL ELSE status END) STORED""",
    "CREATE INDEX message_notable ON message (world, notable, id)",
    "DROP INDEX message_trace",
    "CREATE INDEX message_trace ON message (world, trace_id, id) WHERE trace_id IS NOT NULL",
    "CREATE INDEX message_notification ON message (world, notification, id) WHERE notification IS NOT NULL",
    "CREATE INDEX message_event_name ON message (world, event, id) WHERE event IS NOT NULL",
    "CREATE INDEX message_tenant ON message (world, tenant_id, id) WHERE tenant_id IS NOT NULL",
    "CREATE INDEX message_list ON message (world, list_id, id) WHERE list_id IS NOT NULL",
    "CREATE INDEX message_tags ON message USING gin (tags) WHERE tags <> '{}'",
    "CREATE INDEX delivery_provider ON delivery (provider, message_id)",
    # New partitions are made with it.
    _storage("SET (fillfactor = 50)"),
    """CREATE TABLE send_limit (
         world text NOT NULL, scope text NOT NULL, period text NOT NULL, maximum bigint NOT NULL,
         PRIMARY KEY (world, scope, period)
       )""",
    """CREATE TABLE send_limit_exempt (
         world text NOT NULL, topic_id text NOT NULL, PRIMARY KEY (world, topic_id)
       )""",
    """CREATE TABLE send_count (
         world text NOT NULL, scope text NOT NULL, period text NOT NULL, subject text NOT NULL,
         begins_at timestamptz NOT NULL, count bigint NOT NULL, PRIMARY KEY (world, scope, period, subject)
       ) WITH (fillfactor = 50)""",
    "CREATE INDEX send_count_begins ON send_count (begins_at)",
)

_DOWN: tuple[str, ...] = (
    "DROP TABLE send_count",
    "DROP TABLE send_limit_exempt",
    "DROP TABLE send_limit",
    _storage("RESET (fillfactor)"),
    "DROP INDEX delivery_provider",
    "DROP INDEX message_tags",
    "DROP INDEX message_list",
    "DROP INDEX message_tenant",
    "DROP INDEX message_event_name",
    "DROP INDEX message_notification",
    "DROP INDEX message_trace",
    "CREATE INDEX message_trace ON message (world, trace_id) WHERE trace_id IS NOT NULL",
    "ALTER TABLE message DROP COLUMN notable, DROP COLUMN list_id",
    "DROP INDEX work_waiting",
    "ALTER TABLE work DROP COLUMN waits_for, DROP COLUMN provider_id",
    "DROP TABLE suppression",
    "DROP INDEX delivery_reference",
    "ALTER TABLE delivery DROP COLUMN complained_at",
    "DROP TABLE receipt",
    "ALTER TABLE message_content DROP COLUMN guarantee",
    "ALTER TABLE delivery DROP COLUMN called_at",
    "ALTER TABLE request DROP COLUMN mode",
    "ALTER TABLE api_key DROP COLUMN kind",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
