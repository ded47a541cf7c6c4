"""Every provider there is. To add one: import it and add it to the tuple."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from notify.providers.base import Provider
from notify.providers.chat.slack import Slack
from notify.providers.email.sendgrid import SendGrid
from notify.providers.email.smtp import Smtp
from notify.providers.sandbox import Sandbox
from notify.providers.sms.twilio import Twilio
from notify.providers.webhook.webhook import Webhook

_PROVIDERS: tuple[Provider[Any], ...] = (Sandbox(), SendGrid(), Slack(), Smtp(), Twilio(), Webhook())

REGISTRY: Mapping[str, Provider[Any]] = MappingProxyType({provider.key: provider for provider in _PROVIDERS})
"""Provider key -> provider."""
