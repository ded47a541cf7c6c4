"""Preferences: sections, topics, and what people chose."""

from alembic import op
from sqlalchemy import text

revision = "0009"
down_revision = "0008"

_UP: tuple[str, ...] = (
    """CREATE TABLE preference_section (
         world text NOT NULL, id text COLLATE "C" NOT NULL, name text NOT NULL, description text,
         has_custom_routing boolean NOT NULL, routing_options text[] NOT NULL,
         creator text, updater text, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz,
         archived_at timestamptz, PRIMARY KEY (world, id)
       )""",
    """CREATE TABLE preference_topic (
         world text NOT NULL, id text COLLATE "C" NOT NULL, section_id text COLLATE "C" NOT NULL,
         name text NOT NULL, description text, default_status text NOT NULL,
         allowed_preferences text[] NOT NULL, routing_options text[] NOT NULL,
         include_unsubscribe_header boolean NOT NULL, topic_data jsonb NOT NULL, digest jsonb,
         creator text, updater text, created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz,
         archived_at timestamptz, PRIMARY KEY (world, id)
       )""",
    # The tenant is empty for what a user wants everywhere.
    """CREATE TABLE user_preference (
         world text NOT NULL, user_id text NOT NULL, tenant_id text COLLATE "C" NOT NULL,
         topic_id text COLLATE "C" NOT NULL, status text NOT NULL, has_custom_routing boolean,
         custom_routing text[], digest_schedule_id text, updated_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, user_id, topic_id, tenant_id)
       )""",
    "CREATE INDEX user_preference_tenant ON user_preference (world, tenant_id) WHERE tenant_id <> ''",
    """CREATE TABLE preference_log (
         id uuid PRIMARY KEY, world text NOT NULL, user_id text NOT NULL, tenant_id text COLLATE "C",
         topic_id text COLLATE "C" NOT NULL, topic_name text NOT NULL, status text NOT NULL,
         has_custom_routing boolean NOT NULL, custom_routing text[] NOT NULL, previous jsonb
       )""",
    "CREATE INDEX preference_log_world ON preference_log (world, id)",
    "CREATE INDEX preference_log_user ON preference_log (world, user_id, id)",
    """CREATE TABLE preference_page (
         world text PRIMARY KEY, id text NOT NULL, version bigint NOT NULL, page jsonb NOT NULL,
         published_at timestamptz NOT NULL, published_by text
       )""",
)

_DOWN: tuple[str, ...] = (
    "DROP TABLE preference_page",
    "DROP TABLE preference_log",
    "DROP TABLE user_preference",
    "DROP TABLE preference_topic",
    "DROP TABLE preference_section",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
