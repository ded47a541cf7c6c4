"""Slack: chat.postMessage with a bot token, or an incoming webhook.

Rules from https://docs.slack.dev/reference/methods/chat.postMessage (200 with ``ok: false`` and an error
word), https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks (error words as text),
https://docs.slack.dev/reference/block-kit/blocks (limits) and ``users.lookupByEmail`` for the e-mail form.
"""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from pydantic import SecretStr

from notify.errors import ContentError
from notify.model.call import (
    Accepted,
    Answer,
    Blame,
    HttpAnswer,
    HttpCall,
    Outcome,
    Outgoing,
    Permanent,
    Transient,
)
from notify.model.names import Channel
from notify.model.output import ChatOutput
from notify.providers.answers import clean, failed, is_busy, json_object, retry_after_s, succeeded, unanswered
from notify.providers.base import HttpUrl, ProviderSettings
from notify.providers.chat import blocks
from notify.providers.chat.mrkdwn import from_markdown
from notify.providers.request import apply_override, check_headers, check_url, json_call

_TRANSIENT = frozenset(
    {
        "ratelimited", "rate_limited", "message_limit_exceeded", "internal_error", "fatal_error",
        "service_unavailable", "request_timeout", "team_added_to_org", "org_login_required", "rollup_error",
    }
)  # fmt: skip
_BY_WORD: Mapping[str, Blame] = {
    **dict.fromkeys(
        (
            "channel_not_found", "not_in_channel", "is_archived", "channel_is_archived", "user_not_found",
            "users_not_found", "user_not_visible", "user_disabled", "is_inactive", "cannot_dm_bot",
            "messages_tab_disabled", "restricted_action", "restricted_action_read_only_channel",
            "restricted_action_thread_only_channel", "posting_to_general_channel_denied",
            # An incoming webhook is an address: these say it is gone or closed.
            "no_service", "no_service_id", "no_active_hooks", "no_team", "team_disabled", "invalid_token",
            "action_prohibited",
        ),
        Blame.RECIPIENT,
    ),
    **dict.fromkeys(
        (
            "no_text", "msg_too_long", "msg_blocks_too_long", "invalid_blocks", "invalid_blocks_format",
            "invalid_payload", "too_many_attachments", "invalid_attachments", "invalid_arguments",
            "missing_text_or_fallback_or_attachments",
        ),
        Blame.CONTENT,
    ),
    # The token may come from the profile or the settings; the answer does not say. Blaming the provider
    # costs at most one attempt at another configuration, which may have a token of its own.
    **dict.fromkeys(
        (
            "not_authed", "invalid_auth", "token_revoked", "token_expired", "account_inactive",
            "missing_scope", "no_permission", "access_denied", "not_allowed_token_type", "ekm_access_denied",
        ),
        Blame.PROVIDER,
    ),
}  # fmt: skip
_TARGETS = ("channel", "user_id", "email")


class SlackSettings(ProviderSettings):
    """``access_token``: a bot token for recipients who bring none of their own."""

    access_token: SecretStr | None = None
    base_url: HttpUrl = "https://slack.com/api"


class Slack:
    key = "slack"
    name = "Slack"
    description = "Posts to Slack channels and people with a bot token, or through incoming webhooks."
    channels = (Channel.DIRECT_MESSAGE,)
    Settings = SlackSettings

    def missing(
        self, profile: Mapping[str, Any], channel: Channel, settings: SlackSettings | None = None
    ) -> str | None:
        slack = _slack(profile)
        if _webhook_url(slack):
            return None
        if not any(slack.get(target) for target in _TARGETS):
            return "slack.channel, slack.user_id, slack.email or slack.incoming_webhook.url"
        has_token = slack.get("access_token") or settings is None or settings.access_token
        return None if has_token else "slack.access_token"

    def request(self, outgoing: Outgoing, settings: SlackSettings) -> HttpCall:
        settings = settings.with_config(outgoing.override)
        slack = _slack(outgoing.profile)
        message = _message(outgoing.output)
        if url := _webhook_url(slack):
            url = check_url(url, "profile.slack.incoming_webhook.url")
            call = json_call(url, message, {})
            return apply_override(_untrusted(call), outgoing.override)
        headers = _authorized(slack, settings)
        if slack.get("channel") or slack.get("user_id"):
            return _post(slack.get("channel") or slack.get("user_id"), message, headers, settings, outgoing)
        return _lookup(slack, message, headers, settings, outgoing)

    def probe(self, settings: SlackSettings) -> HttpCall | None:
        """https://docs.slack.dev/reference/methods/auth.test; None: recipients bring tokens of their own."""
        if settings.access_token is None:
            return None
        headers = {"authorization": f"Bearer {settings.access_token.get_secret_value()}"}
        return HttpCall(method="POST", url=f"{settings.base_url}/auth.test", headers=headers)

    def outcome(self, answer: Answer) -> Outcome:
        if not isinstance(answer, HttpAnswer):
            return unanswered(answer)
        body = json_object(answer)
        if succeeded(answer) and (body.get("ok") is True or answer.body.strip() == b"ok"):
            return Accepted(reference={key: str(body[key]) for key in ("channel", "ts") if key in body})
        word = clean(body.get("error") or answer.body.decode(errors="replace"))
        return _refused(answer, word)


def _refused(answer: HttpAnswer, word: str) -> Outcome:
    if word in _TRANSIENT:
        return Transient(reason=f"slack: {word}", retry_after_s=retry_after_s(answer), busy=is_busy(answer))
    blame = _BY_WORD.get(word)
    if not succeeded(answer):
        return failed(answer, word, blame)
    if json_object(answer).get("ok") is False:
        return Permanent(reason=f"slack: {word}", blame=blame or Blame.PROVIDER)
    return Transient(reason="slack: the answer cannot be read")


def _slack(profile: Mapping[str, Any]) -> Mapping[str, Any]:
    slack = profile.get("slack")
    return slack if isinstance(slack, Mapping) else {}


def _webhook_url(slack: Mapping[str, Any]) -> Any:
    webhook = slack.get("incoming_webhook")
    return webhook.get("url") if isinstance(webhook, Mapping) else None


def _untrusted(call: HttpCall) -> HttpCall:
    return HttpCall(method=call.method, url=call.url, headers=call.headers, body=call.body, untrusted=True)


def _authorized(slack: Mapping[str, Any], settings: SlackSettings) -> dict[str, str]:
    token = slack.get("access_token")
    if not token and settings.access_token:
        token = settings.access_token.get_secret_value()
    if not token:
        raise ContentError("neither profile.slack.access_token nor settings.access_token is set")
    return check_headers({"authorization": f"Bearer {token}"}, "profile.slack.access_token")


def _message(output: object) -> dict[str, Any]:
    if not isinstance(output, ChatOutput):
        raise ContentError("slack sends chat output only")
    fallback = {"text": from_markdown(output.text or output.title)}
    return {**fallback, **(blocks.build(output) if output.raw is None else blocks.own(output.raw))}


def _post(
    channel: Any,
    message: Mapping[str, Any],
    headers: Mapping[str, str],
    settings: SlackSettings,
    out: Outgoing,
) -> HttpCall:
    if not isinstance(channel, str):
        raise ContentError("profile.slack.channel and user_id must be texts")
    call = json_call(f"{settings.base_url}/chat.postMessage", {**message, "channel": channel}, headers)
    return apply_override(call, out.override)


def _lookup(
    slack: Mapping[str, Any],
    message: Mapping[str, Any],
    headers: Mapping[str, str],
    settings: SlackSettings,
    out: Outgoing,
) -> HttpCall:
    def post(answer: HttpAnswer) -> HttpCall | None:
        user = json_object(answer).get("user")
        user_id = user.get("id") if isinstance(user, Mapping) else None
        return _post(user_id, message, headers, settings, out) if isinstance(user_id, str) else None

    _post("U0", message, headers, settings, out)  # a bad override is found now, not between the two calls
    query = urlencode({"email": str(slack.get("email", ""))})
    return HttpCall(
        method="GET", url=f"{settings.base_url}/users.lookupByEmail?{query}", headers=headers, then=post
    )
