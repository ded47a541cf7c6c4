"""Settings: read once from the environment, typed, with units in the names, all problems reported at once."""

from functools import lru_cache
from typing import Literal, TypeVar

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from notify.settings.connections import Connections
from notify.settings.content import Content
from notify.settings.delivery import Delivery
from notify.settings.injection import FaultInjection
from notify.settings.observing import Observing
from notify.settings.retention import Retention
from notify.settings.serving import Serving
from notify.settings.stages import Stages
from notify.settings.values import MAX_BODY_BYTES, Bytes, env

TASK_END = 1.25
"""Of ``task_time_limit_s``: when a task's process is ended that has not stopped by itself."""
_CONFIG = SettingsConfigDict(env_prefix="NOTIFY_", env_ignore_empty=True, extra="ignore")


class SettingsError(Exception):
    """One or more settings are missing or wrong; the text lists every one with its environment variable."""


class Settings(
    FaultInjection, Delivery, Content, Retention, Stages, Observing, Serving, Connections, BaseSettings
):
    """Every setting is ``NOTIFY_<NAME>`` in the environment; ``docs/settings.md`` lists them."""

    model_config = _CONFIG

    @model_validator(mode="after")
    def _no_countdowns_over_amqp(self) -> "Settings":
        # A countdown is a task that a worker holds, and with quorum queues it can hold no other beside it.
        if self.broker_url.startswith("amqp"):
            self.horizon_s = 0.0
            if "dispatch_every_s" not in self.model_fields_set:
                self.dispatch_every_s = 1.0
        return self


class ProducerSettings(BaseSettings):
    """What a process needs that only hands messages over: none of it is required."""

    model_config = _CONFIG

    broker_url: str | None = Field(default=None, validation_alias=env("BROKER_URL"))
    sentinel_master: str = "notify"
    sentinel_password: SecretStr | None = None
    max_body_bytes: Bytes = MAX_BODY_BYTES
    world: Literal["test", "production"] = "test"


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
