"""Where PostgreSQL and the broker are, how they are used, and the keys of what is kept there."""

from pydantic import BaseModel, Field, SecretStr

from notify.settings.values import Keys, PostgresUrl, Seconds, env


class Connections(BaseModel):
    """See ``docs/settings.md``."""

    database_url: PostgresUrl = Field(
        validation_alias=env("DATABASE_URL"), description="PostgreSQL 15 or newer, `postgresql://...`"
    )
    migration_database_url: PostgresUrl | None = Field(
        default=None, description="where `notify migrate` works, when the other URL leads to PgBouncer"
    )
    database_pooler: bool = Field(
        default=False,
        description="the URL leads to PgBouncer in transaction mode: nothing lasts for a session",
    )
    database_pool_size: int = Field(default=10, gt=0, description="connections of one process at most")
    database_timeout_s: Seconds = Field(default=5.0, description="wait for a connection")
    statement_timeout_s: Seconds = Field(
        default=60.0, description="for one statement of a stage; those of the API have `request_timeout_s`"
    )
    idle_transaction_timeout_s: Seconds = Field(
        default=30.0, description="a process that freezes inside a transaction loses it after this"
    )
    broker_url: str = Field(
        validation_alias=env("BROKER_URL"),
        pattern="^(rediss?|sentinel|amqps?|memory)://",
        description="`redis://`, `rediss://` (6.2 or Valkey), `sentinel://`, or RabbitMQ 3.10: `amqp://`, `amqps://`",
    )
    sentinel_master: str = Field(
        default="notify", description="name of the primary that the Sentinels of a `sentinel://` URL watch"
    )
    sentinel_password: SecretStr | None = Field(
        default=None, description="password of the Sentinels themselves; that of the URL is the servers'"
    )
    encryption_key: Keys = Field(
        description="url-safe base64 of 32 random bytes; encrypts secrets. Of several, the first encrypts"
    )
    signing_key: Keys | None = Field(
        default=None,
        description="likewise; signs links and suppressed addresses. Without, the encryption key does",
    )

    @property
    def migration_url(self) -> str:
        """Where to migrate: a server, no pooler."""
        return self.migration_database_url or self.database_url
