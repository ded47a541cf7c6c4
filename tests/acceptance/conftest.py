"""One instance for all tests here, local servers that stand in for providers, and clients of both worlds.

The test world has no provider configured: its sandbox keeps what is sent. In the production world every
channel goes to a local server.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from courier import Courier

from notify.local.lab import HttpLab, MailLab, Reply
from tests.acceptance.running import Http, Running, running
from tests.servers.vendors import SENDGRID_KEY, SLACK_TOKEN, TWILIO_SID, TWILIO_TOKEN, ProviderLab

SENDER = "hello@example.com"


@dataclass(frozen=True, slots=True)
class Outside:
    """The world outside: ``vendors`` take what is right, ``down`` is the first SMS provider, and is down."""

    mail: MailLab
    vendors: ProviderLab
    down: HttpLab

    def texts_to(self, number: str) -> list[str]:
        """The bodies of the SMS that arrived for a number."""
        forms = [request.form() for request in self.vendors.of("twilio")]
        return [form["Body"] for form in forms if form["To"] == number]

    def slack_posts(self, word: str) -> int:
        """How many posts to Slack mention a word."""
        return sum(word.encode() in request.body for request in self.vendors.of("slack"))


@pytest.fixture(scope="package")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """The instance."""
    with running(tmp_path_factory.mktemp("instance")) as up:
        yield up


@pytest.fixture(scope="package")
def client(instance: Running) -> Courier:
    """The official client in the test world."""
    return instance.client("test")


@pytest.fixture(scope="package")
def http(instance: Running) -> Http:
    """Plain HTTP in the test world."""
    return instance.http("test")


@pytest.fixture(scope="package")
def outside() -> Iterator[Outside]:
    """The providers' servers."""
    refusal = Reply.json({"code": 20503, "message": "Service unavailable", "status": 503}, status=503)
    with MailLab() as mail, ProviderLab() as vendors, HttpLab(lambda request: refusal) as down:
        yield Outside(mail, vendors, down)


@pytest.fixture(scope="package")
def production(instance: Running, outside: Outside) -> Courier:
    """The official client in the production world, where every provider is configured."""
    client = instance.client("production")
    mail, vendors = outside.mail, outside.vendors
    account = {"account_sid": TWILIO_SID, "auth_token": TWILIO_TOKEN, "from_number": "+15005550006"}
    create = client.providers.create
    create(
        provider="smtp",
        settings={"host": mail.host, "port": mail.port, "security": "none", "from_address": SENDER},
    )
    create(
        provider="sendgrid",
        settings={
            "api_key": SENDGRID_KEY,
            "from_address": SENDER,
            "base_url": vendors.base_url("sendgrid"),
        },
    )
    create(provider="twilio", alias="backup", settings={**account, "base_url": vendors.base_url("twilio")})
    create(provider="twilio", alias="primary", settings={**account, "base_url": outside.down.url})
    create(provider="slack", settings={"access_token": SLACK_TOKEN, "base_url": vendors.base_url("slack")})
    create(provider="webhook", settings={})
    return client
