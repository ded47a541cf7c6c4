"""Every provider against a server that checks as its vendor does, over real sockets."""

from collections.abc import Iterator
from typing import Any

import pytest

from notify.model.call import Accepted, Answer, Blame, Outcome, Outgoing, Permanent
from notify.model.output import ChatOutput, EmailOutput, Output, SmsOutput, WebhookOutput
from notify.providers.base import load_settings
from notify.providers.registry import REGISTRY
from notify.transport import Transport, TransportSettings
from tests.servers import MailLab, ProviderLab
from tests.servers.vendors import HOOK_TOKEN, SENDGRID_KEY, SLACK_TOKEN, TWILIO_SID, TWILIO_TOKEN

MAIL = EmailOutput(subject="Hello", html="<p>Hello</p>", text="Hello")
CHAT = ChatOutput(title="Hello", text="Hello", blocks=({"type": "text", "text": "Hello"},))
SMS = SmsOutput(body="Hello")
HOOK = WebhookOutput(payload={"message": {}})


class Vendors:
    """All the servers, a transport, and one way to send."""

    def __init__(self, http: ProviderLab, mail: MailLab, transport: Transport) -> None:
        self.http, self.mail, self._transport = http, mail, transport

    def settings(self, key: str) -> dict[str, Any]:
        sender = {"from_address": "shop@example.com"}
        base = self.http.base_url
        settings: dict[str, dict[str, Any]] = {
            "sandbox": {},
            "sendgrid": {**sender, "api_key": SENDGRID_KEY, "base_url": base("sendgrid")},
            "smtp": {**sender, "host": self.mail.host, "port": self.mail.port, "security": "none"},
            "slack": {"access_token": SLACK_TOKEN, "base_url": base("slack")},
            "twilio": {
                "account_sid": TWILIO_SID,
                "auth_token": TWILIO_TOKEN,
                "from_number": "+15550001",
                "base_url": base("twilio"),
            },
            "webhook": {
                "url": base("hook") + "/bearer",
                "authentication": "bearer",
                "token": HOOK_TOKEN,
            },
        }
        return settings[key]

    def send(self, key: str, output: Output, profile: dict[str, Any], **settings: Any) -> Outcome:
        provider = REGISTRY[key]
        loaded = load_settings(provider, {**self.settings(key), **settings})
        outgoing = Outgoing(message_id="1-a-b", idempotency_key="d1", output=output, profile=profile)
        call = provider.request(outgoing, loaded)
        pairs: list[tuple[int, Answer]] = [
            pair for group in self._transport.execute([(1, call)]) for pair in group
        ]
        return provider.outcome(pairs[0][1])


@pytest.fixture(scope="module")
def vendors() -> Iterator[Vendors]:
    with ProviderLab() as http, MailLab() as mail:
        mail.refuse[("rcpt", "fail@example.com")] = "550 5.1.1 no such user"
        transport = Transport(TransportSettings(timeout_s=3))
        yield Vendors(http, mail, transport)
        transport.close()


GOOD: list[tuple[str, Output, dict[str, Any]]] = [
    ("sandbox", SMS, {}),
    ("sendgrid", MAIL, {"email": "ada@example.com"}),
    ("smtp", MAIL, {"email": "ada@example.com"}),
    ("slack", CHAT, {"slack": {"channel": "C0GENERAL"}}),
    ("slack", CHAT, {"slack": {"user_id": "U0ADA", "access_token": SLACK_TOKEN}}),
    ("slack", CHAT, {"slack": {"email": "ada@example.com"}}),
    ("twilio", SMS, {"phone_number": "+4930123456"}),
    ("webhook", HOOK, {}),
]


def test_every_registered_provider_is_here() -> None:
    assert {key for key, _, _ in GOOD} == set(REGISTRY)


@pytest.mark.parametrize(("key", "output", "profile"), GOOD)
def test_the_vendor_accepts(vendors: Vendors, key: str, output: Output, profile: dict[str, Any]) -> None:
    outcome = vendors.send(key, output, profile)
    assert isinstance(outcome, Accepted), outcome
    assert outcome.reference or key in {"sandbox", "webhook"}


@pytest.mark.parametrize(
    ("key", "output", "profile"),
    [
        ("sendgrid", MAIL, {"email": "fail@example.com"}),
        ("smtp", MAIL, {"email": "fail@example.com"}),
        ("slack", CHAT, {"slack": {"channel": "C0FAIL"}}),
        ("slack", CHAT, {"slack": {"email": "nobody@example.com"}}),
        ("twilio", SMS, {"phone_number": "030 fail"}),
    ],
)
def test_a_bad_address_is_the_recipients(
    vendors: Vendors, key: str, output: Output, profile: dict[str, Any]
) -> None:
    outcome = vendors.send(key, output, profile)
    assert isinstance(outcome, Permanent), outcome
    assert outcome.blame is Blame.RECIPIENT


@pytest.mark.parametrize(
    ("key", "output", "profile", "wrong"),
    [
        ("sendgrid", MAIL, {"email": "ada@example.com"}, {"api_key": "guess"}),
        ("slack", CHAT, {"slack": {"channel": "C0GENERAL"}}, {"access_token": "guess"}),
        ("slack", CHAT, {"slack": {"email": "ada@example.com"}}, {"access_token": "guess"}),
        ("twilio", SMS, {"phone_number": "+4930123456"}, {"auth_token": "guess"}),
        ("twilio", SMS, {"phone_number": "+4930123456"}, {"account_sid": "AC99"}),
        ("webhook", HOOK, {}, {"token": "guess"}),
    ],
)
def test_bad_credentials_are_the_providers(
    vendors: Vendors, key: str, output: Output, profile: dict[str, Any], wrong: dict[str, str]
) -> None:
    outcome = vendors.send(key, output, profile, **wrong)
    assert isinstance(outcome, Permanent), outcome
    assert outcome.blame is Blame.PROVIDER
    assert "guess" not in repr(outcome)


@pytest.mark.parametrize(
    ("key", "output", "profile"),
    [
        ("webhook", HOOK, {"webhook": {"url": "{lab}/hook/open"}}),
        ("slack", CHAT, {"slack": {"incoming_webhook": {"url": "{lab}/slack/services/T/B/x"}}}),
    ],
)
def test_an_address_in_a_profile_does_not_lead_inwards(
    vendors: Vendors, key: str, output: Output, profile: dict[str, Any]
) -> None:
    before = vendors.http.count
    outcome = vendors.send(key, output, _at(profile, vendors.http.url))
    assert outcome == Permanent(reason="the URL leads to a private address", blame=Blame.RECIPIENT)
    assert vendors.http.count == before


def _at(profile: dict[str, Any], url: str) -> dict[str, Any]:
    return {
        key: _at(value, url) if isinstance(value, dict) else value.format(lab=url)
        for key, value in profile.items()
    }
