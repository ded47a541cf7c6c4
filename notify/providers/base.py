"""What a provider is: the protocol every adapter follows, and its settings.

In: an ``Outgoing`` and validated settings. Out: a ``Call`` for a transport, and later the ``Outcome`` of
its answer. To add one: one file, one line in ``registry.py``, one test case (``docs/adding-a-provider.md``).
"""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Protocol, Self, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, ValidationError, model_validator

from notify.errors import ContentError, InvalidRateLimit, InvalidRequest
from notify.model.call import Answer, Call, Outcome, Outgoing
from notify.model.names import Channel
from notify.model.problems import sentence

_PERIOD_S = {"second": 1, "minute": 60, "hour": 3600}


def _http_url(value: str) -> str:
    """An http(s) URL with a host, without the trailing slash."""
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise ValueError("must be an http:// or https:// URL without user information")
    return value.rstrip("/")


HttpUrl = Annotated[str, AfterValidator(_http_url)]
"""For settings that hold a URL, ``base_url`` above all."""

Secret = Annotated[SecretStr, Field(min_length=1)]


class RateLimit(BaseModel):
    """At most ``rate`` calls per ``period``; what exceeds it waits and is never dropped."""

    rate: float = Field(gt=0)
    period: Literal["second", "minute", "hour"]

    @property
    def interval_s(self) -> float:
        """Seconds from one call to the next."""
        return _PERIOD_S[self.period] / self.rate

    @model_validator(mode="after")
    def _bounded(self) -> Self:
        if not 0.001 <= self.interval_s <= 12 * 3600:
            raise ValueError("period / rate must lie between 1 ms and 12 h")
        return self


class ProviderSettings(BaseModel):
    """What an operator configures. Secrets are ``SecretStr``: encrypted at rest, masked when shown."""

    model_config = ConfigDict(extra="ignore", frozen=True, str_strip_whitespace=True)

    pinned: ClassVar[frozenset[str]] = frozenset({"base_url", "rate_limit", "receipt_secret"})
    """Fields no message may change: they decide where an operator's credentials are sent."""

    rate_limit: RateLimit | None = None
    receipt_secret: Secret | None = None
    """With it, callbacks in the generic form are signed; see ``providers.receipts``."""

    @classmethod
    def secret_fields(cls) -> frozenset[str]:
        """The names of the fields that must never be stored or shown in the clear."""
        return frozenset(name for name, field in cls.model_fields.items() if _holds_secret(field.annotation))

    def with_config(self, override: Mapping[str, Any]) -> Self:
        """These settings with a message's ``override.config`` laid over them, for that one send.

        Raises:
            ContentError: ``config`` is no object, changes a pinned field, or does not validate.
        """
        config = override.get("config")
        if config is None:
            return self
        if not isinstance(config, Mapping):
            raise ContentError("override.config must be an object")
        if refused := sorted(self.pinned & config.keys()):
            raise ContentError(f"override.config may not change {', '.join(refused)}")
        try:
            return type(self).model_validate({**dict(self), **config})
        except ValidationError as error:
            raise ContentError(_problems("override.config", error)) from None


S = TypeVar("S", bound=ProviderSettings)


class Provider(Protocol[S]):
    """One vendor's API as pure functions; nothing here opens a socket.

    A vendor that reports what became of a message has one more, ``webhook(callback, settings) ->
    Sequence[StatusUpdate]``, which raises ``Unauthenticated`` unless the vendor has signed it. One that can
    be asked whether it knows us has ``probe(settings) -> Call | None``, which sends nothing to anybody.
    """

    key: str
    name: str
    description: str
    Settings: type[S]

    @property
    def channels(self) -> tuple[Channel, ...]:
        """The channels it serves."""
        ...

    def missing(self, profile: Mapping[str, Any], channel: Channel, settings: S | None = None) -> str | None:
        """The profile keys that are lacking, for people; None when the profile suffices.

        ``settings`` matters where they may stand in for the profile (a webhook's static URL); without
        them such a provider gives the profile the benefit of the doubt.
        """
        ...

    def request(self, outgoing: Outgoing, settings: S) -> Call:
        """The call that sends ``outgoing``, its override included.

        Raises:
            ContentError: the output or profile cannot be said in this provider's words.
        """
        ...

    def outcome(self, answer: Answer) -> Outcome:
        """What the provider's answer, or the lack of one, means. Never raises on a strange answer."""
        ...


def load_settings(provider: Provider[S], raw: Mapping[str, Any]) -> S:
    """``raw`` as the provider's settings.

    Raises:
        InvalidRequest: fields are missing or wrong; every one is named as ``settings.<field>``, values never.
        InvalidRateLimit: one of them is the rate limit.
    """
    try:
        return provider.Settings.model_validate(raw)
    except ValidationError as error:
        limit = any(problem["loc"][:1] == ("rate_limit",) for problem in error.errors(include_url=False))
        kind = InvalidRateLimit if limit else InvalidRequest
        raise kind(_problems("settings", error)) from None


def lacks(profile: Mapping[str, Any], key: str) -> str | None:
    """``key`` when the profile has no text under it, else None: the ``missing`` of a one-key provider."""
    value = profile.get(key)
    return None if isinstance(value, str) and value.strip() else key


def _problems(prefix: str, error: ValidationError) -> str:
    return "; ".join(
        f"{'.'.join([prefix, *map(str, problem['loc'])])}: {sentence(problem)}"
        for problem in error.errors(include_input=False, include_url=False)
    )


def _holds_secret(annotation: Any) -> bool:
    return annotation is SecretStr or any(map(_holds_secret, getattr(annotation, "__args__", ())))
