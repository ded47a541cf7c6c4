"""Settings: read once from the environment, typed, with units in the names, all problems reported at once."""

from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any, Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError, ValidationInfo, field_validator
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
    database_url: str = Field(
        validation_alias=_env("DATABASE_URL"), description="PostgreSQL 15 or newer, `postgresql://...`"
    )
    broker_url: str = Field(
        validation_alias=_env("BROKER_URL"), description="Redis 6.2, Valkey or newer, `redis://...`"
    )
    encryption_key: SecretStr = Field(
        description="url-safe base64 of 32 random bytes; encrypts provider settings"
    )
    api_host: str = Field(default="127.0.0.1", description="address the API binds to")
    api_port: int = Field(default=8020, ge=0, le=65535, description="its port")
    flower_host: str = Field(default="127.0.0.1", description="address Flower binds to")
    flower_port: int = Field(default=5555, ge=0, le=65535, description="its port")
    flower_basic_auth: SecretStr | None = Field(
        default=None, description="user:password; Flower refuses to start without"
    )

    public_url: str | None = Field(
        default=None,
        pattern=r"^https?://[^\s/?#@]+(/[^\s?#]*)?$",
        description="where the world reaches the API; providers report there, tracked links lead there",
    )

    # --- logs
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="debug, info, warning or error"
    )
    log_format: Literal["json", "console"] = Field(default="json", description="json or console")

    # --- database
    database_pool_size: int = Field(default=10, gt=0, description="connections of one process at most")
    database_timeout_s: Seconds = Field(default=5.0, description="wait for a connection")

    # --- accept
    max_body_bytes: Bytes = Field(default=4 * 1024 * 1024, description="a larger request gets 413")
    accept_batch_size: int = Field(default=200, gt=0, description="sends stored in one transaction at most")
    accept_waiting_max: int = Field(
        default=2000, gt=0, description="requests that may wait for a flush; more get 503"
    )

    # --- stages
    batch_size: int = Field(
        default=100, gt=0, le=1000, description="work rows a stage claims at once at most"
    )
    bulk_above: int = Field(
        default=50, ge=0, description="recipients of one send from which on it takes the bulk lane"
    )
    lease_s: Seconds = Field(
        default=10.0,
        description="a dead worker's rows are free again after this; kept alive while they are worked on",
    )
    max_lost: int = Field(
        default=3, gt=0, description="workers one piece of work may kill before it is set aside"
    )
    horizon_s: Seconds = Field(
        default=15.0, description="waits up to this are Celery countdowns, longer ones the dispatcher's"
    )
    visibility_timeout_s: Seconds = Field(
        default=300.0,
        description="an unacknowledged task comes back after this; keep it well above the horizon",
    )
    dispatch_every_s: Seconds = Field(default=5.0, description="interval of the dispatcher")
    reconcile_every_s: Seconds = Field(default=5.0, description="interval of the reconciler")
    reconcile_grace_s: Seconds = Field(
        default=5.0, description="how long ready work may lie before it is published again"
    )
    pass_size: int = Field(default=1000, gt=0, description="rows one pass of a periodic task may touch")
    retention_days: int = Field(default=90, gt=0, description="partitions that end before this are dropped")

    # --- content
    template_timeout_ms: int = Field(default=500, gt=0, description="time one document may take to render")
    max_template_steps: int = Field(default=10_000, gt=0, description="loop passes of one document")
    max_output_bytes: Bytes = Field(default=1024 * 1024, description="size of one rendered document")

    # --- delivery
    provider_timeout_ms: int = Field(
        default=300_000, gt=0, description="how long one provider is retried before the next one"
    )
    channel_timeout_ms: int = Field(
        default=1_800_000, gt=0, description="how long one channel is tried before the next one"
    )
    message_timeout_ms: int = Field(
        default=259_200_000, gt=0, description="how long a message is tried at all"
    )
    retry_waits_s: Annotated[tuple[float, ...], NoDecode] = Field(
        default=(5, 10, 20, 40, 60, 120, 240, 480, 720, 900),
        description="waits between tries of one provider; the last repeats",
    )
    retry_jitter: float = Field(default=0.1, ge=0, le=1, description="share of a wait that is random")
    http_connect_timeout_s: Seconds = Field(default=5.0, description="to connect to a provider")
    http_timeout_s: Seconds = Field(default=15.0, description="for a provider's whole answer")
    http_max_answer_bytes: Bytes = Field(default=256 * 1024, description="what is read of an answer")
    http_concurrency: int = Field(default=200, gt=0, description="calls under way at once in one process")
    cache_url: str | None = Field(
        default=None,
        pattern="^(rediss?|unix)://",
        description="Redis or Valkey for shared rate limits and circuits; default: the broker",
    )
    limit_ahead_s: float = Field(
        default=1.0, ge=0, le=10, description="waits for a rate limit up to this are the worker's own"
    )
    breaker_threshold: int = Field(
        default=10, ge=0, description="transient failures that open a provider's circuit; 0: it never opens"
    )
    breaker_window_s: Seconds = Field(
        default=60.0, description="they count if they come within this, and not fewer than other answers"
    )
    breaker_open_s: Seconds = Field(default=15.0, description="a provider's rest before it is tried again")
    smtp_connections: int = Field(default=8, gt=0, description="pooled connections per server and process")
    allowed_networks: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(), description="private networks that message-given URLs may reach, comma-separated"
    )

    # --- tracking
    tracking_opens: bool = Field(default=False, description="a pixel in e-mails tells that they are opened")
    tracking_clicks: bool = Field(default=False, description="links lead through us and tell of clicks")

    @field_validator("tracking_opens", "tracking_clicks")
    @classmethod
    def _tracking_needs_an_address(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("public_url"):
            raise ValueError("tracking needs NOTIFY_PUBLIC_URL")
        return value

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
