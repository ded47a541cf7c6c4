"""The sandbox: every channel, no account needed; what was rendered stays readable in the message log."""

from collections.abc import Mapping
from typing import Any

from notify.model.call import Accepted, Answer, KeepCall, Kept, Outcome, Outgoing
from notify.model.names import Channel
from notify.providers.answers import unanswered
from notify.providers.base import ProviderSettings

_ADDRESSES: Mapping[Channel, tuple[str, ...]] = {
    Channel.EMAIL: ("email",),
    Channel.SMS: ("phone_number",),
    Channel.PUSH: ("apn", "firebaseToken", "expo", "oneSignalPlayerID", "oneSignalExternalUserId"),
    Channel.INBOX: ("user_id",),
    Channel.BANNER: ("user_id",),
    Channel.DIRECT_MESSAGE: ("slack", "ms_teams", "discord"),
    Channel.WEBHOOK: ("webhook",),
}
"""What a real provider of the channel would want, so that routing is the same with and without one."""


class Sandbox:
    key = "sandbox"
    name = "Sandbox"
    description = "Keeps messages where console and CLI show them; nothing leaves the machine."
    channels = tuple(Channel)
    Settings = ProviderSettings

    def missing(
        self, profile: Mapping[str, Any], channel: Channel, settings: ProviderSettings | None = None
    ) -> str | None:
        wanted = _ADDRESSES[channel]
        return None if any(profile.get(key) for key in wanted) else " or ".join(wanted)

    def request(self, outgoing: Outgoing, settings: ProviderSettings) -> KeepCall:
        return KeepCall()

    def outcome(self, answer: Answer) -> Outcome:
        return Accepted() if isinstance(answer, Kept) else unanswered(answer)
