"""Recipients: device tokens, lists, audiences, tenants and bulk jobs."""

from alembic import op
from sqlalchemy import text

revision = "0008"
down_revision = "0007"

_UP: tuple[str, ...] = (
    # Ids sort by their bytes, so that those with a common beginning lie together whatever the locale.
    """CREATE TABLE recipient_list (
         world text NOT NULL, id text COLLATE "C" NOT NULL, name text NOT NULL, preferences jsonb,
         created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
         deleted_at timestamptz, PRIMARY KEY (world, id)
       )""",
    """CREATE TABLE list_subscription (
         world text NOT NULL, list_id text COLLATE "C" NOT NULL, user_id text NOT NULL,
         preferences jsonb, created_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, list_id, user_id)
       )""",
    "CREATE INDEX list_subscription_user ON list_subscription (world, user_id, list_id)",
    """CREATE TABLE audience (
         world text NOT NULL, id text COLLATE "C" NOT NULL, name text NOT NULL, description text NOT NULL,
         filter jsonb, version integer NOT NULL DEFAULT 1, created_at timestamptz NOT NULL DEFAULT now(),
         updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (world, id)
       )""",
    """CREATE TABLE tenant (
         world text NOT NULL, id text COLLATE "C" NOT NULL, name text NOT NULL, parent_id text COLLATE "C",
         brand_id text, properties jsonb, user_profile jsonb, created_at timestamptz NOT NULL DEFAULT now(),
         updated_at timestamptz NOT NULL DEFAULT now(), PRIMARY KEY (world, id)
       )""",
    "CREATE INDEX tenant_parent ON tenant (world, parent_id, id) WHERE parent_id IS NOT NULL",
    """CREATE TABLE tenant_member (
         world text NOT NULL, tenant_id text COLLATE "C" NOT NULL, user_id text NOT NULL,
         profile jsonb, created_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, tenant_id, user_id)
       )""",
    "CREATE INDEX tenant_member_user ON tenant_member (world, user_id, tenant_id)",
    """CREATE TABLE tenant_preference (
         world text NOT NULL, tenant_id text COLLATE "C" NOT NULL, topic_id text COLLATE "C" NOT NULL,
         status text NOT NULL, has_custom_routing boolean, custom_routing text[],
         PRIMARY KEY (world, tenant_id, topic_id)
       )""",
    # A device has one user.
    """CREATE TABLE user_token (
         world text NOT NULL, token text COLLATE "C" NOT NULL, user_id text NOT NULL,
         provider_key text NOT NULL, status text NOT NULL DEFAULT 'active', status_reason text,
         device jsonb, tracking jsonb, properties jsonb, expires_at timestamptz,
         created_at timestamptz NOT NULL DEFAULT now(), updated_at timestamptz NOT NULL DEFAULT now(),
         PRIMARY KEY (world, token)
       )""",
    "CREATE INDEX user_token_user ON user_token (world, user_id)",
    """CREATE TABLE bulk_job (
         id uuid PRIMARY KEY, world text NOT NULL, definition jsonb NOT NULL, mode text NOT NULL,
         received integer NOT NULL DEFAULT 0, created_at timestamptz NOT NULL DEFAULT now(), request_id uuid
       )""",
    """CREATE TABLE bulk_user (
         job_id uuid NOT NULL, seq bigint NOT NULL GENERATED ALWAYS AS IDENTITY, key text,
         given jsonb NOT NULL, PRIMARY KEY (job_id, seq)
       )""",
    "CREATE UNIQUE INDEX bulk_user_key ON bulk_user (job_id, key) WHERE key IS NOT NULL",
    # How far a request to many has come: which of its recipients, where in it, and how many messages so far.
    """ALTER TABLE request ADD COLUMN expand_entry integer, ADD COLUMN expand_after text,
         ADD COLUMN expanded bigint, ADD COLUMN expanded_at timestamptz, ADD COLUMN expand_error text""",
    # A date as filters of audiences write it; what is none is null, never an error. `recipients/audience.py`
    # reads the same.
    r"""CREATE FUNCTION notify_instant(value text) RETURNS timestamptz
       LANGUAGE plpgsql IMMUTABLE STRICT PARALLEL SAFE AS $$
       BEGIN
         IF value !~ ('^[1-9][0-9]{3}-[01][0-9]-[0-3][0-9]'
           '(T([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?'
           '(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?)?$')
         THEN RETURN NULL; END IF;
         IF length(value) = 10 THEN RETURN (value || 'T00:00:00Z')::timestamptz; END IF;
         IF value !~ '(Z|[+-][0-9]{2}:[0-9]{2})$' THEN RETURN (value || 'Z')::timestamptz; END IF;
         RETURN value::timestamptz;
       EXCEPTION WHEN data_exception THEN RETURN NULL;
       END $$""",
)

_DOWN: tuple[str, ...] = (
    "DROP FUNCTION notify_instant(text)",
    """ALTER TABLE request DROP COLUMN expand_error, DROP COLUMN expanded_at, DROP COLUMN expanded,
         DROP COLUMN expand_after, DROP COLUMN expand_entry""",
    "DROP TABLE bulk_user",
    "DROP TABLE bulk_job",
    "DROP TABLE user_token",
    "DROP TABLE tenant_preference",
    "DROP TABLE tenant_member",
    "DROP TABLE tenant",
    "DROP TABLE audience",
    "DROP TABLE list_subscription",
    "DROP TABLE recipient_list",
)


def upgrade() -> None:
    for statement in _UP:
        op.execute(text(statement))


def downgrade() -> None:
    for statement in _DOWN:
        op.execute(text(statement))
