"""Content: brands, routing strategies, translations, tenants' templates."""

from alembic import op
from sqlalchemy import text

revision = "0010"
down_revision = "0009"

_UP: tuple[str, ...] = (
    """CREATE TABLE routing_strategy (
         id text COLLATE "C" PRIMARY KEY, world text NOT NULL, name text NOT NULL, description text,
         tags text[], routing jsonb NOT NULL, channels jsonb NOT NULL, providers jsonb NOT NULL,
         created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz, archived_at timestamptz
       )""",
    "CREATE INDEX routing_strategy_world ON routing_strategy (world, id)",
    """CREATE TABLE brand (
         world text NOT NULL, id text COLLATE "C" NOT NULL, name text NOT NULL, settings jsonb NOT NULL,
         snippets jsonb NOT NULL, is_default boolean NOT NULL,
         created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, id)
       )""",
    "CREATE UNIQUE INDEX brand_default ON brand (world) WHERE is_default",
    # What is sent with it is worked out from `po` when it is uploaded.
    """CREATE TABLE translation (
         world text NOT NULL, domain text NOT NULL, locale text COLLATE "C" NOT NULL, po text NOT NULL,
         catalog jsonb NOT NULL, digest text NOT NULL, updated_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, domain, locale)
       )""",
    """CREATE TABLE tenant_template (
         world text NOT NULL, tenant_id text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
         published_version integer, published_at timestamptz,
         created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, tenant_id, id)
       )""",
    """CREATE TABLE tenant_template_version (
         world text NOT NULL, tenant_id text COLLATE "C" NOT NULL, id text COLLATE "C" NOT NULL,
         version integer NOT NULL, payload jsonb NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, tenant_id, id, version)
       )""",
    """CREATE TABLE template_submission (
         template_id text NOT NULL, id text NOT NULL, checks jsonb NOT NULL,
         created_at timestamptz NOT NULL DEFAULT now(), ended_at timestamptz, PRIMARY KEY (template_id, id)
       )""",
    # One at a time: the draft is locked until it is decided.
    """CREATE UNIQUE INDEX template_submission_open ON template_submission (template_id)
       WHERE ended_at IS NULL""",
    # Ordered by transaction, so that a reader who goes on from the last one misses none that commits late.
    """CREATE TABLE inbound_event (
         id uuid PRIMARY KEY, world text NOT NULL, event text NOT NULL, message_id text NOT NULL,
         user_id text,
         properties jsonb NOT NULL, received_at timestamptz NOT NULL,
         transaction_id xid8 NOT NULL DEFAULT pg_current_xact_id()
       )""",
    "CREATE UNIQUE INDEX inbound_event_message ON inbound_event (world, message_id)",
    "CREATE INDEX inbound_event_order ON inbound_event (transaction_id, id)",
)

_DOWN: tuple[str, ...] = (
    "DROP TABLE inbound_event",
    "DROP TABLE template_submission",
    "DROP TABLE tenant_template_version",
    "DROP TABLE tenant_template",
    "DROP TABLE translation",
    "DROP TABLE brand",
    "DROP TABLE routing_strategy",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
