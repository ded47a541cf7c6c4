"""Settings: read once from the environment, typed, with units in the names, all problems reported at once."""

import re
from base64 import urlsafe_b64decode
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AliasChoices,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Seconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(gt=0)]
MAX_BODY_BYTES = 4 * 1024 * 1024
TASK_END = 1.25
"""Of ``task_time_limit_s``: when a task's process is ended that has not stopped by itself."""
_KEY_BYTES = 32


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
        validation_alias=_env("BROKER_URL"),
        pattern="^(rediss?|sentinel|amqps?|memory)://",
        description="`redis://`, `rediss://` (6.2 or Valkey), `sentinel://`, or RabbitMQ 3.10: `amqp://`, `amqps://`",
    )
    sentinel_master: str = Field(
        default="notify", description="name of the primary that the Sentinels of a `sentinel://` URL watch"
    )
    sentinel_password: SecretStr | None = Field(
        default=None, description="password of the Sentinels themselves; that of the URL is the servers'"
    )
    encryption_key: SecretStr = Field(
        description="url-safe base64 of 32 random bytes; encrypts secrets. Of several, the first encrypts"
    )
    signing_key: SecretStr | None = Field(
        default=None,
        description="likewise; signs links and suppressed addresses. Without, the encryption key does",
    )
    api_host: str = Field(default="127.0.0.1", description="address the API binds to")
    api_port: int = Field(default=8020, ge=0, le=65535, description="its port")
    flower_host: str = Field(default="127.0.0.1", description="address Flower binds to")
    flower_port: int = Field(default=5555, ge=0, le=65535, description="its port")
    flower_basic_auth: SecretStr | None = Field(
        default=None, description="user:password; Flower refuses to start without"
    )

    admin_email: str | None = Field(
        default=None,
        pattern=r"^[^@\s,;<>]+@[^@\s,;<>]+$",
        description="is told, once a day, that a send limit holds messages back",
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

    access_log_level: Literal["debug", "info"] = Field(
        default="debug", description="level of the line per API request; answers of 500 and above: warning"
    )

    # --- who may call
    auth_failures_per_minute: int = Field(
        default=30,
        ge=0,
        description="wrong keys from one address, per API process; more get 429 unread. 0: no limit",
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        description="origins whose pages may call the API with client tokens, comma-separated; `*`: all",
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode] = Field(
        default=(), description="networks of proxies whose `X-Forwarded-For` is believed, comma-separated"
    )

    alive_file: Path | None = Field(
        default=None, description="a worker touches it every few seconds while it takes tasks"
    )

    # --- metrics and traces
    metrics_token: SecretStr | None = Field(
        default=None, min_length=16, description="opens `/metrics`, as Bearer token; closed without"
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65535, description="where a worker serves its own `/metrics`; 0: nowhere"
    )
    metrics_host: str = Field(default="127.0.0.1", description="address that port is bound to")
    metrics_dir: Path | None = Field(
        default=None, description="directory in which all processes of a machine add up what they count"
    )
    traces_exporter: Literal["none", "otlp", "console"] = Field(
        default="none",
        validation_alias=AliasChoices("NOTIFY_TRACES_EXPORTER", "OTEL_TRACES_EXPORTER"),
        description="where OpenTelemetry spans go; all else by the standard `OTEL_*` variables",
    )
    trace_providers: bool = Field(
        default=False, description="calls of providers carry the trace's `traceparent` header"
    )

    # --- database
    migration_database_url: str | None = Field(
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

    # --- accept
    accept_timeout_s: Seconds = Field(
        default=10.0, description="a send that cannot be stored within this gets 503"
    )
    request_timeout_s: Seconds = Field(
        default=30.0, description="any request whose answer has not begun by then gets 503"
    )
    max_body_bytes: Bytes = Field(default=MAX_BODY_BYTES, description="a larger request gets 413")
    max_inbound_body_bytes: Bytes = Field(
        default=6 * 1024 * 1024, description="likewise, of what is posted to an inbound webhook"
    )
    accept_batch_size: int = Field(default=200, gt=0, description="sends stored in one transaction at most")
    accept_waiting_max: int = Field(
        default=2000, gt=0, description="requests that may wait for a flush; more get 503"
    )
    shed: bool = Field(default=True, description="refuse sends under overload, those to many first")
    shed_queue_s: Seconds = Field(
        default=120.0, description="single sends that late are reason to refuse sends to many"
    )
    shed_backlog: int = Field(
        default=1_000_000,
        gt=0,
        description="so much unfinished work likewise; at twice that the test world, at four times all",
    )
    shed_database_s: Seconds = Field(
        default=3.0, description="a database that takes so long to store sends, likewise"
    )
    shed_calm_s: Seconds = Field(default=5.0, description="calm after which refusals shrink by a step")
    accept_tasks: bool = Field(
        default=True, description="take messages from any Celery app that can write to the broker"
    )
    world: Literal["test", "production"] = Field(
        default="test", description="world of what Python code and Celery apps hand over without naming one"
    )

    # --- stages
    batch_size: int = Field(
        default=100, gt=0, le=1000, description="work rows a stage claims at once at most"
    )
    bulk_above: int = Field(
        default=50, ge=0, description="recipients of one send from which on it takes the bulk lane"
    )
    expand_chunk: int = Field(
        default=1000, gt=0, le=20_000, description="recipients of a list or audience looked up at once"
    )
    bulk_backlog: int = Field(
        default=200_000,
        gt=0,
        description="unfinished bulk messages from which on lists are not expanded further",
    )
    expand_wait_s: Seconds = Field(default=1.0, description="how long they then wait before the next look")
    single_tenant_context: bool = Field(
        default=True, description="who is a member of just one tenant is sent to in its context"
    )
    lease_s: Seconds = Field(
        default=6.0,
        description="a dead worker's rows are free again after this; kept alive while they are worked on",
    )
    max_lost: int = Field(
        default=3, gt=0, description="workers one piece of work may kill before it is set aside"
    )
    task_time_limit_s: Seconds = Field(
        default=120.0,
        description="a task that runs longer stops what it is at; at 1.25 times that its process is ended",
    )
    worker_max_tasks: int = Field(
        default=20_000, gt=0, description="tasks after which a worker's process is replaced"
    )
    worker_max_memory_mb: int = Field(
        default=600, gt=0, description="memory likewise; looked at after each task"
    )
    horizon_s: float = Field(
        default=15.0,
        ge=0,
        description="waits up to this are Celery countdowns, longer ones the dispatcher's; 0 with RabbitMQ",
    )
    visibility_timeout_s: Seconds = Field(
        default=300.0,
        description="an unacknowledged task comes back after this; keep it well above the horizon",
    )
    dispatch_every_s: Seconds = Field(
        default=5.0, description="interval of the dispatcher; 1 with RabbitMQ, where all waits are its own"
    )
    reconcile_every_s: Seconds = Field(default=2.0, description="interval of the reconciler")
    reconcile_grace_s: Seconds = Field(
        default=5.0, description="how long ready work may lie before it is published again"
    )
    pass_size: int = Field(default=1000, gt=0, description="rows one pass of a periodic task may touch")
    retention_days: int = Field(default=90, ge=7, description="how long messages and deliveries are kept")
    content_retention_days: int | None = Field(
        default=None, ge=7, description="what messages said and what was asked; default: as long as messages"
    )
    event_retention_days: int | None = Field(
        default=None, ge=7, description="the log of each message; default: as long as messages"
    )
    webhook_log_retention_days: int = Field(
        default=14, ge=7, description="the log of outbound webhooks' calls"
    )
    audit_retention_days: int = Field(default=365, ge=1, description="who changed what")
    preference_log_retention_days: int = Field(
        default=1095, ge=1, description="what users changed of their preferences"
    )
    canary_every_s: float = Field(
        default=0.0, ge=0, description="interval of the canary, a rehearsal through every lane; 0: never"
    )
    canary_deadline_s: Seconds = Field(default=60.0, description="a canary that takes longer has failed")
    dns_servers: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="addresses `notify check` asks, `host` or `host:port`; default: the system's"
    )
    dkim_selectors: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="DKIM selectors that `notify check` looks for, comma-separated"
    )

    # --- content
    template_checks: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(), description="checks, by comma, that a draft must pass to be published; none: no approval"
    )
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
        pattern="^(rediss?|unix|sentinel)://",
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

    # --- send limits
    billing_day: int = Field(
        default=1, ge=1, le=31, description="day of the month on which billing periods begin, in UTC"
    )

    # --- outbound webhooks
    webhook_timeout_s: Seconds = Field(default=10.0, description="for a webhook destination's whole answer")
    webhook_retry_for_s: Seconds = Field(
        default=86_400.0, description="how long an event is tried, by the waits of sends"
    )
    webhook_concurrency: int = Field(
        default=10, gt=0, description="calls of one process to one destination under way at once"
    )
    webhook_pause_after_s: Seconds = Field(
        default=259_200.0, description="a destination that has failed for so long is paused"
    )
    webhook_secret_overlap_s: float = Field(
        default=86_400.0, ge=0, description="how long a replaced secret signs beside the new one"
    )

    # --- tracking
    tracking_opens: bool = Field(default=False, description="a pixel in e-mails tells that they are opened")
    tracking_clicks: bool = Field(default=False, description="links lead through us and tell of clicks")

    # --- fault injection
    fault_injection: bool = Field(
        default=False, description="lets the next two break this instance; never in production"
    )
    fault_points: str | None = Field(
        default=None, description="`POINT:ACTION[:WHEN]` by commas, see `notify/faults.py`"
    )
    fault_dir: Path | None = Field(
        default=None, description="where faults are logged, and steered while processes run"
    )

    @field_validator("fault_points", "fault_dir")
    @classmethod
    def _faults_are_asked_for_twice(cls, value: Any, info: ValidationInfo) -> Any:
        if value and not info.data.get("fault_injection"):
            raise ValueError("faults need NOTIFY_FAULT_INJECTION=true")
        return value

    @field_validator("tracking_opens", "tracking_clicks")
    @classmethod
    def _tracking_needs_an_address(cls, value: bool, info: ValidationInfo) -> bool:
        if value and not info.data.get("public_url"):
            raise ValueError("tracking needs NOTIFY_PUBLIC_URL")
        return value

    @field_validator("allowed_networks", "trusted_proxies", mode="before")
    @classmethod
    def _networks(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(ip_network(part.strip()) for part in value.split(",") if part.strip())
        return value

    @field_validator("cors_origins", mode="before")
    @classmethod
    def _origins(cls, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        found = tuple(part.strip() for part in value.split(",") if part.strip())
        for one in found:
            if one != "*" and not re.fullmatch(r"https?://[^/\s?#@*]+", one):
                raise ValueError(f"{one!r} is no origin, such as https://app.example.com, and not *")
        return found

    @field_validator("encryption_key", "signing_key")
    @classmethod
    def _keys(cls, value: SecretStr | None) -> SecretStr | None:
        for key in value.get_secret_value().split(",") if value else ():
            if not _is_key(key.strip()):
                raise ValueError("must be url-safe base64 of 32 bytes; several are separated by commas")
        return value

    @field_validator("template_checks", "dns_servers", "dkim_selectors", mode="before")
    @classmethod
    def _words(cls, value: Any) -> Any:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("content_retention_days", "event_retention_days")
    @classmethod
    def _not_longer_than_the_message(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value > info.data.get("retention_days", value):
            raise ValueError("must not be longer than NOTIFY_RETENTION_DAYS")
        return value

    @field_validator("retry_waits_s", mode="before")
    @classmethod
    def _waits(cls, value: Any) -> Any:
        return tuple(float(part) for part in value.split(",")) if isinstance(value, str) else value

    @model_validator(mode="after")
    def _no_countdowns_over_amqp(self) -> "Settings":
        # A countdown is a task that a worker holds, and with quorum queues it can hold no other beside it.
        if self.broker_url.startswith("amqp"):
            self.horizon_s = 0.0
            if "dispatch_every_s" not in self.model_fields_set:
                self.dispatch_every_s = 1.0
        return self

    @property
    def migration_url(self) -> str:
        """Where to migrate: a server, no pooler."""
        return self.migration_database_url or self.database_url

    @field_validator("database_url", "migration_database_url")
    @classmethod
    def _psycopg_url(cls, value: str | None) -> str | None:
        if value is None:
            return None
        scheme, _, rest = value.partition("://")
        if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("must be a postgresql:// URL")
        return f"postgresql+psycopg://{rest}"


class ProducerSettings(BaseSettings):
    """What a process needs that only hands messages over: none of it is required."""

    model_config = Settings.model_config

    broker_url: str | None = Field(default=None, validation_alias=_env("BROKER_URL"))
    sentinel_master: str = "notify"
    sentinel_password: SecretStr | None = None
    max_body_bytes: Bytes = MAX_BODY_BYTES
    world: Literal["test", "production"] = "test"


def _is_key(text: str) -> bool:
    try:
        return len(urlsafe_b64decode(text)) == _KEY_BYTES
    except ValueError:
        return False


@lru_cache(maxsize=1)
def load() -> Settings:
    """The process's settings, read once.

    Raises:
        SettingsError: some are missing or wrong; all of them are named.
    """
    return _read(Settings)


@lru_cache(maxsize=1)
def load_producer() -> ProducerSettings:
    """The settings of a process that only hands messages over, read once.

    Raises:
        SettingsError: some are wrong; all of them are named.
    """
    return _read(ProducerSettings)


S = TypeVar("S", bound=BaseSettings)


def _read(kind: type[S]) -> S:
    try:
        return kind()  # values come from the environment
    except ValidationError as error:
        lines = [f"  {_variable(problem['loc'])}: {problem['msg']}" for problem in error.errors()]
        raise SettingsError("Settings are missing or wrong:\n" + "\n".join(lines)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "?"
    return name if name.isupper() else f"NOTIFY_{name.upper()}"
