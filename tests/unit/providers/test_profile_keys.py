"""What a provider needs in the profile: the rows of delivery.md, section 3, for the providers there are."""

from typing import Any

import pytest

from notify.model.names import Channel
from notify.providers.registry import REGISTRY

ROWS: list[tuple[str, str, Channel, dict[str, Any], bool]] = [
    ("email", "sendgrid", Channel.EMAIL, {"email": "ada@example.com"}, True),
    ("email", "smtp", Channel.EMAIL, {"email": "ada@example.com"}, True),
    ("email", "smtp", Channel.EMAIL, {"email": " "}, False),
    ("email", "sendgrid", Channel.EMAIL, {"phone_number": "+15550100"}, False),
    ("SMS", "twilio", Channel.SMS, {"phone_number": "+15550100"}, True),
    ("SMS", "twilio", Channel.SMS, {"email": "ada@example.com"}, False),
    (
        "slack channel",
        "slack",
        Channel.DIRECT_MESSAGE,
        {"slack": {"access_token": "x", "channel": "C"}},
        True,
    ),
    ("slack user", "slack", Channel.DIRECT_MESSAGE, {"slack": {"access_token": "x", "user_id": "U"}}, True),
    (
        "slack email",
        "slack",
        Channel.DIRECT_MESSAGE,
        {"slack": {"access_token": "x", "email": "a@b.c"}},
        True,
    ),
    (
        "slack incoming webhook",
        "slack",
        Channel.DIRECT_MESSAGE,
        {"slack": {"incoming_webhook": {"url": "https://hooks.slack.com/services/T/B/x"}}},
        True,
    ),
    ("slack target missing", "slack", Channel.DIRECT_MESSAGE, {"slack": {"access_token": "x"}}, False),
    ("slack", "slack", Channel.DIRECT_MESSAGE, {"email": "ada@example.com"}, False),
    ("webhook", "webhook", Channel.WEBHOOK, {"webhook": {"url": "https://x.example"}}, True),
    ("courier (inbox), a user_id", "sandbox", Channel.INBOX, {"user_id": "ada"}, True),
    ("courier (inbox), a user_id", "sandbox", Channel.INBOX, {"email": "ada@example.com"}, False),
]


@pytest.mark.parametrize(
    ("row", "provider", "channel", "profile", "suffices"), ROWS, ids=lambda value: str(value)
)
def test_a_profile_suffices(
    row: str, provider: str, channel: Channel, profile: dict[str, Any], suffices: bool
) -> None:
    assert (REGISTRY[provider].missing(profile, channel) is None) is suffices


@pytest.mark.parametrize(("url", "suffices"), [("https://x.example", True), (None, False)])
def test_a_webhook_may_go_to_a_static_url_of_the_settings(url: str | None, suffices: bool) -> None:
    webhook = REGISTRY["webhook"]
    settings = webhook.Settings.model_validate({"url": url})
    assert (webhook.missing({}, Channel.WEBHOOK, settings) is None) is suffices
