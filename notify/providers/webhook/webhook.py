"""The webhook channel: the message as JSON to the recipient's URL, or to one from the settings.

The recipient's form is that of the reference API: ``webhook: {url, method, headers, authentication:
{mode: none | basic | bearer, username, password, token}}``. Any 2xx is acceptance and delivery.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self

from pydantic import Field, SecretStr, model_validator

from notify.errors import ContentError
from notify.model.call import Accepted, Answer, Blame, HttpAnswer, HttpCall, Outcome, Outgoing
from notify.model.names import Channel
from notify.model.output import WebhookOutput
from notify.providers.answers import failed, succeeded, unanswered
from notify.providers.base import HttpUrl, ProviderSettings
from notify.providers.request import (
    JSON,
    apply_override,
    basic,
    check_headers,
    check_method,
    check_url,
    to_json,
)

_GONE = 410


class WebhookSettings(ProviderSettings):
    """Used when the recipient brings no URL; the recipient's URL never sees these headers and credentials."""

    pinned: ClassVar[frozenset[str]] = ProviderSettings.pinned | {"url"}

    url: HttpUrl | None = None
    method: Literal["POST", "PUT", "GET"] = "POST"
    headers: dict[str, SecretStr] = Field(default_factory=dict)
    authentication: Literal["none", "basic", "bearer"] = "none"
    username: str = ""
    password: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")

    @model_validator(mode="after")
    def _headers_can_be_sent(self) -> Self:
        try:
            check_headers(self.plain_headers(), "headers")
        except ContentError as error:
            raise ValueError(str(error)) from None
        return self

    def plain_headers(self) -> dict[str, str]:
        return {name: value.get_secret_value() for name, value in self.headers.items()}

    def target(self) -> dict[str, Any]:
        """These settings in the form a recipient brings."""
        return {
            "method": self.method,
            "headers": self.plain_headers(),
            "authentication": {
                "mode": self.authentication,
                "username": self.username,
                "password": self.password.get_secret_value(),
                "token": self.token.get_secret_value(),
            },
        }


class Webhook:
    key = "webhook"
    name = "Webhook"
    description = "Posts the message as JSON to a URL of the recipient or of the settings."
    channels = (Channel.WEBHOOK,)
    Settings = WebhookSettings

    def missing(
        self, profile: Mapping[str, Any], channel: Channel, settings: WebhookSettings | None = None
    ) -> str | None:
        satisfied = _recipient(profile).get("url") or settings is None or settings.url
        return None if satisfied else "webhook.url"

    def request(self, outgoing: Outgoing, settings: WebhookSettings) -> HttpCall:
        if not isinstance(outgoing.output, WebhookOutput):
            raise ContentError("a webhook sends webhook output only")
        settings = settings.with_config(outgoing.override)
        recipient = _recipient(outgoing.profile)
        if url := recipient.get("url"):
            call = _call(check_url(url, "profile.webhook.url"), recipient, outgoing, untrusted=True)
        elif settings.url:
            call = _call(settings.url, settings.target(), outgoing, untrusted=False)
        else:
            raise ContentError("neither profile.webhook.url nor settings.url is set")
        return apply_override(call, outgoing.override)

    def outcome(self, answer: Answer) -> Outcome:
        if not isinstance(answer, HttpAnswer):
            return unanswered(answer)
        if succeeded(answer):
            return Accepted(delivered=True)
        return failed(answer, blame=Blame.RECIPIENT if answer.status == _GONE else None)


def _recipient(profile: Mapping[str, Any]) -> Mapping[str, Any]:
    webhook = profile.get("webhook")
    return webhook if isinstance(webhook, Mapping) else {}


def _call(url: str, target: Mapping[str, Any], outgoing: Outgoing, *, untrusted: bool) -> HttpCall:
    assert isinstance(outgoing.output, WebhookOutput)
    method = check_method(target.get("method") or "POST", "webhook.method")
    headers = {
        "content-type": JSON,
        "idempotency-key": outgoing.idempotency_key,
        **_authorization(target.get("authentication")),
        **check_headers(target.get("headers") or {}, "webhook.headers"),
    }
    body = b"" if method == "GET" else to_json(outgoing.output.payload)
    return HttpCall(method=method, url=url, headers=headers, body=body, untrusted=untrusted)


def _authorization(authentication: Any) -> dict[str, str]:
    if authentication is None:
        return {}
    if not isinstance(authentication, Mapping):
        raise ContentError("webhook.authentication must be an object")
    match authentication.get("mode", "none"):
        case "none":
            return {}
        case "basic":
            username, password = (_text(authentication, key) for key in ("username", "password"))
            return {"authorization": basic(username, password)}
        case "bearer":
            token = {"authorization": f"Bearer {_text(authentication, 'token')}"}
            return check_headers(token, "webhook.authentication")
    raise ContentError("webhook.authentication.mode must be none, basic or bearer")


def _text(authentication: Mapping[str, Any], key: str) -> str:
    value = authentication.get(key)
    if not isinstance(value, str):
        raise ContentError(f"webhook.authentication.{key} must be a text")
    return value
