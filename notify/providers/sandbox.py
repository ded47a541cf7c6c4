"""The sandbox: every channel, no account needed; what was rendered stays readable in the message log."""

from collections.abc import Mapping
from typing import Any

from notify.model.call import Accepted, Answer, KeepCall, Kept, Outcome, Outgoing
from notify.model.names import Channel
from notify.providers.answers import unanswered
from notify.providers.base import ProviderSettings


class Sandbox:
    key = "sandbox"
    name = "Sandbox"
    description = "Keeps messages where console and CLI show them; nothing leaves the machine."
    channels = tuple(Channel)
    Settings = ProviderSettings

    def missing(
        self, profile: Mapping[str, Any], channel: Channel, settings: ProviderSettings | None = None
    ) -> str | None:
        return None

    def request(self, outgoing: Outgoing, settings: ProviderSettings) -> KeepCall:
        return KeepCall()

    def outcome(self, answer: Answer) -> Outcome:
        return Accepted() if isinstance(answer, Kept) else unanswered(answer)
