"""Settings: read once from the environment, typed, with units in the names, all problems reported at once."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(gt=0)]


class SettingsError(Exception):
    """One or more settings are missing or wrong; the text lists every one with its environment variable."""


def _env(name: str) -> AliasChoices:
    """``DATABASE_URL`` and ``NOTIFY_DATABASE_URL`` both work for what platforms name without a prefix."""
    return AliasChoices(f"NOTIFY_{name}", name)


class Settings(BaseSettings):
    """Every setting is ``NOTIFY_<NAME>`` in the environment; ``docs/settings.md`` lists them."""

    model_config = SettingsConfigDict(env_prefix="NOTIFY_", env_ignore_empty=True, extra="ignore")

    # --- where things are
    database_url: str = Field(validation_alias=_env("DATABASE_URL"))
    broker_url: str = Field(validation_alias=_env("BROKER_URL"))
    encryption_key: SecretStr = Field(
        description="url-safe base64 of 32 random bytes; encrypts provider settings"
    )
    api_host: str = "127.0.0.1"
    api_port: int = Field(default=8020, ge=0, le=65535)
    flower_host: str = "127.0.0.1"
    flower_port: int = Field(default=5555, ge=0, le=65535)
    flower_basic_auth: SecretStr | None = Field(
        default=None, description="user:password; Flower refuses to start without"
    )
    public_url: str | None = Field(default=None, description="base URL under which people reach the API")

    # --- logs
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "console"] = "json"

    # --- database
    database_pool_size: int = Field(default=10, gt=0)
    database_timeout_s: Seconds = 5.0

    # --- accept
    max_body_bytes: Bytes = 4 * 1024 * 1024
    accept_batch_size: int = Field(default=200, gt=0)
    accept_waiting_max: int = Field(
        default=2000, gt=0, description="requests that may wait for a flush; more get 503"
    )

    # --- stages
    batch_size: int = Field(default=100, gt=0, le=1000)
    bulk_above: int = Field(
        default=50, ge=0, description="recipients of one send from which on it takes the bulk lane"
    )
    lease_s: Seconds = 10.0
    max_lost: int = Field(
        default=3, gt=0, description="workers one piece of work may kill before it is set aside"
    )
    horizon_s: Seconds = Field(
        default=60.0, description="waits up to this are Celery countdowns, longer ones the dispatcher's"
    )
    visibility_timeout_s: Seconds = 300.0
    dispatch_every_s: Seconds = 5.0
    reconcile_every_s: Seconds = 5.0
    reconcile_grace_s: Seconds = Field(
        default=5.0, description="how long ready work may lie before it is published again"
    )
    pass_size: int = Field(default=1000, gt=0, description="rows one pass of a periodic task may touch")
    retention_days: int = Field(default=90, gt=0)

    # --- content
    template_timeout_ms: int = Field(default=500, gt=0)
    max_template_steps: int = Field(default=10_000, gt=0)
    max_output_bytes: Bytes = 1024 * 1024

    # --- delivery
    provider_timeout_ms: int = Field(default=300_000, gt=0)
    channel_timeout_ms: int = Field(default=1_800_000, gt=0)
    message_timeout_ms: int = Field(default=259_200_000, gt=0)
    retry_waits_s: Annotated[tuple[float, ...], NoDecode] = (5, 10, 20, 40, 60, 120, 240, 480, 720, 900)
    retry_jitter: float = Field(default=0.1, ge=0, le=1, description="share of a wait that is random")
    http_connect_timeout_s: Seconds = 5.0
    http_timeout_s: Seconds = 15.0
    http_max_answer_bytes: Bytes = 256 * 1024
    http_concurrency: int = Field(default=200, gt=0)
    smtp_connections: int = Field(default=8, gt=0, description="pooled connections per server and process")
    allowed_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(), description="private networks that message-given URLs may reach, comma-separated"
    )

    @field_validator("allowed_networks", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        return value

    @field_validator("retry_waits_s", mode="before")
    @classmethod
    def _waits(cls, value: Any) -> Any:
        return tuple(float(part) for part in value.split(",")) if isinstance(value, str) else value

    @field_validator("database_url")
    @classmethod
    def _psycopg_url(cls, value: str) -> str:
        scheme, _, rest = value.partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must be a postgresql:// URL")
        return f"postgresql+psycopg://{rest}"


@lru_cache(maxsize=1)
def load() -> Settings:
    """The process's settings, read once.

    Raises:
        SettingsError: some are missing or wrong; all of them are named.
    """
    try:
        return Settings()  # values come from the environment
    except ValidationError as error:
        lines = [f"  {_variable(problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise SettingsError("Settings are missing or wrong:\n" + "\n".join(lines)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "?"
    return name if name.isupper() else f"NOTIFY_{name.upper()}"
