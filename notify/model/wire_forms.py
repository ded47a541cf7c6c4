"""The forms a recipient can have: what each needs, as models that check it and describe it in OpenAPI."""

import re
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from notify.model.wire_base import Id, WireModel, problem

_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


def _one_line(text: str) -> str:
    if _CONTROL.search(text):
        raise problem("may not contain line breaks or control characters")
    return text


def _http_url(url: str) -> str:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in {"http", "https"} and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        usable = False
    if not usable or re.search(r"[\s\x00-\x1f\x7f]", url):
        raise problem("must be an http or https URL")
    return url


def _headers(headers: dict[str, str]) -> dict[str, str]:
    for name, value in headers.items():
        if not _HEADER_NAME.fullmatch(name):
            raise problem("is not a header name", name)
        if _CONTROL.search(value):
            raise problem("may not contain line breaks or control characters", name)
    return headers


Line = Annotated[str, AfterValidator(_one_line)]
HttpUrl = Annotated[str, Field(max_length=4096), AfterValidator(_http_url)]
Headers = Annotated[
    dict[str, Annotated[str, Field(max_length=8192)]], Field(max_length=100), AfterValidator(_headers)
]


class TenantContext(WireModel):
    """Whose brand, preferences and templates apply."""

    tenant_id: Id | None = None


class UserTo(WireModel):
    """A user, or an address without one. Every other key is profile data, for this send only."""

    user_id: Id | None = Field(default=None, description="Loads the stored profile; at most 512 characters.")
    email: Annotated[str, Field(max_length=320), AfterValidator(_one_line)] | None = None
    phone_number: Annotated[str, Field(max_length=128), AfterValidator(_one_line)] | None = None
    locale: Annotated[str, Field(max_length=64)] | None = Field(
        default=None, description="For example `fr-CA`."
    )
    timezone: Annotated[str, Field(max_length=64)] | None = Field(default=None, description="An IANA zone.")
    tenant_id: Id | None = None
    account_id: Id | None = Field(default=None, description="Old name of `tenant_id`.")
    context: TenantContext | None = None
    data: dict[str, Any] | None = Field(default=None, description="Merged over `message.data`.")
    preferences: dict[str, Any] | None = Field(default=None, description="Preferences for this send.")


class IncomingWebhook(WireModel):
    url: HttpUrl


class Slack(WireModel):
    """``access_token`` and one of ``channel``, ``email``, ``user_id``; or an incoming webhook."""

    access_token: Line | None = None
    channel: str | None = None
    email: str | None = None
    user_id: str | None = None
    incoming_webhook: IncomingWebhook | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "Slack":
        if self.incoming_webhook is None and not self.access_token:
            raise problem("needs 'access_token', or 'incoming_webhook' with its url")
        if self.incoming_webhook is None and not (self.channel or self.email or self.user_id):
            raise problem("needs one of 'channel', 'email' and 'user_id'")
        return self


class SlackTo(UserTo):
    slack: Slack


class MsTeams(WireModel):
    """One target, and ``tenant_id`` or ``service_url`` (both for a conversation)."""

    tenant_id: Line | None = None
    service_url: HttpUrl | None = None
    user_id: str | None = None
    email: str | None = None
    channel_id: str | None = None
    conversation_id: str | None = None
    channel_name: str | None = None
    team_id: str | None = None

    @model_validator(mode="after")
    def _reachable(self) -> "MsTeams":
        if not (
            self.user_id or self.email or self.channel_id or self.conversation_id or self._named_channel()
        ):
            raise problem(
                "needs one of 'user_id', 'email', 'channel_id' and 'conversation_id', "
                "or 'channel_name' with 'team_id'"
            )
        if not (self.tenant_id or self.service_url):
            raise problem("needs 'tenant_id' or 'service_url'")
        if self.conversation_id and not (self.tenant_id and self.service_url):
            raise problem("needs both 'tenant_id' and 'service_url' for a conversation")
        return self._one_tenant()

    def _named_channel(self) -> bool:
        return bool(self.channel_name and self.team_id)

    def _one_tenant(self) -> "MsTeams":
        named = {guid.lower() for guid in _GUID.findall(self.service_url or "")}
        if self.tenant_id and named and self.tenant_id.lower() not in named:
            raise problem("'service_url' and 'tenant_id' name different Microsoft tenants", "service_url")
        return self


class MsTeamsTo(UserTo):
    ms_teams: MsTeams


class Pagerduty(WireModel):
    """All keys fall back to the provider's settings."""

    routing_key: Line | None = None
    event_action: str | None = None
    severity: str | None = None
    source: str | None = None


class PagerdutyTo(UserTo):
    pagerduty: Pagerduty


class WebhookAuthentication(WireModel):
    mode: Literal["none", "basic", "bearer"] = "none"
    username: str | None = None
    password: str | None = None
    token: Line | None = None


class Webhook(WireModel):
    url: HttpUrl
    method: Literal["POST", "PUT", "GET"] | None = None
    headers: Headers | None = None
    authentication: WebhookAuthentication | None = None
    profile: Literal["limited", "expanded"] | None = Field(
        default=None, description="`limited`: the payload holds the profile data of this request only."
    )


class WebhookTo(UserTo):
    webhook: Webhook
