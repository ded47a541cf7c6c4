"""What tests send and configure, made from as little as a test wants to say."""

from typing import Any

from tests.servers import MailLab, ProviderLab
from tests.servers.vendors import SENDGRID_KEY, SLACK_TOKEN, TWILIO_SID, TWILIO_TOKEN

ADA = "ada@example.com"
SENDER = "notify@example.com"
PHONE = "+15550100"


def message(**fields: Any) -> dict[str, Any]:
    """The ``message`` of a send: to ada, saying hello, unless ``fields`` say otherwise."""
    content = {} if "template" in fields else {"content": {"title": "Hello", "body": "It works."}}
    return {"to": {"email": ADA}, **content, **fields}


def sendgrid(lab: ProviderLab) -> dict[str, Any]:
    """The settings of a SendGrid account at ``lab``."""
    return {"api_key": SENDGRID_KEY, "from_address": SENDER, "base_url": lab.base_url("sendgrid")}


def twilio(lab: ProviderLab) -> dict[str, Any]:
    """The settings of a Twilio account at ``lab``."""
    return {
        "account_sid": TWILIO_SID,
        "auth_token": TWILIO_TOKEN,
        "from_number": "+15550199",
        "base_url": lab.base_url("twilio"),
    }


def slack(lab: ProviderLab) -> dict[str, Any]:
    """The settings of a Slack workspace at ``lab``."""
    return {"access_token": SLACK_TOKEN, "base_url": lab.base_url("slack")}


def smtp(lab: MailLab) -> dict[str, Any]:
    """The settings of the mail server ``lab``."""
    return {"host": lab.host, "port": lab.port, "security": "none", "from_address": SENDER}


def hook(lab: ProviderLab, path: str = "/open") -> dict[str, Any]:
    """The settings of a webhook that always goes to ``lab``."""
    return {"url": f"{lab.base_url('hook')}{path}"}


def blocks(**channels: tuple[str, str]) -> dict[str, Any]:
    """Template content: a title and a body for each channel."""
    return {
        "version": "2022-01-01",
        "elements": [
            {
                "type": "channel",
                "channel": channel,
                "elements": [{"type": "meta", "title": title}, {"type": "text", "content": body}],
            }
            for channel, (title, body) in channels.items()
        ],
    }


def template(content: dict[str, Any] | None = None, **fields: Any) -> dict[str, Any]:
    """The ``notification`` of a template."""
    return {
        "name": "Welcome",
        "tags": [],
        "brand": None,
        "subscription": None,
        "routing": None,
        "content": content or blocks(email=("Welcome", "Good to see you.")),
        **fields,
    }
