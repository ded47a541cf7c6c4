"""The API, and Flower: where they listen, who may call, what they take and when they refuse."""

from typing import Literal

from pydantic import BaseModel, Field, SecretStr

from notify.settings.values import MAX_BODY_BYTES, Bytes, Networks, Origins, Seconds


class Serving(BaseModel):
    """See ``docs/settings.md``."""

    api_host: str = Field(default="127.0.0.1", description="address the API binds to")
    api_port: int = Field(default=8020, ge=0, le=65535, description="its port")
    flower_host: str = Field(default="127.0.0.1", description="address Flower binds to")
    flower_port: int = Field(default=5555, ge=0, le=65535, description="its port")
    flower_basic_auth: SecretStr | None = Field(
        default=None, description="user:password; Flower refuses to start without"
    )
    auth_failures_per_minute: int = Field(
        default=30,
        ge=0,
        description="wrong keys from one address, per API process; more get 429 unread. 0: no limit",
    )
    cors_origins: Origins = Field(
        default=(),
        description="origins whose pages may call the API with client tokens, comma-separated; `*`: all",
    )
    trusted_proxies: Networks = Field(
        default=(), description="networks of proxies whose `X-Forwarded-For` is believed, comma-separated"
    )
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
