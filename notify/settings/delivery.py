"""Calls of providers and of webhooks: tries, timeouts, circuits, limits."""

from pydantic import BaseModel, Field

from notify.settings.values import Bytes, Networks, Seconds, Waits


class Delivery(BaseModel):
    """See ``docs/settings.md``."""

    provider_timeout_ms: int = Field(
        default=300_000, gt=0, description="how long one provider is retried before the next one"
    )
    channel_timeout_ms: int = Field(
        default=1_800_000, gt=0, description="how long one channel is tried before the next one"
    )
    message_timeout_ms: int = Field(
        default=259_200_000, gt=0, description="how long a message is tried at all"
    )
    retry_waits_s: Waits = Field(
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
    allowed_networks: Networks = Field(
        default=(), description="private networks that message-given URLs may reach, comma-separated"
    )
    billing_day: int = Field(
        default=1, ge=1, le=31, description="day of the month on which billing periods begin, in UTC"
    )
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
