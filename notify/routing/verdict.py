"""Why a message cannot be routed: what was left out in, the final status with the reference's words out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from notify.model.names import Channel
from notify.model.plan import Final, SkipCode, Skipped
from notify.model.status import Reason, Status

_CONTACT_KEYS = (
    "email", "phone_number", "apn", "firebaseToken", "expo", "oneSignalPlayerID", "oneSignalExternalUserId",
    "aws_sns", "target_arn", "airship", "slack", "ms_teams", "discord", "webhook", "pagerduty", "courier",
    "pusher", "viber", "intercom", "splunk-on-call", "facebookPSID",
)  # fmt: skip

# The later the check, the nearer the entry was to being sent: its reason is the one to mend.
_PROGRESS = (
    SkipCode.NO_PROVIDERS,
    SkipCode.MISSING_CONFIGURATION,
    SkipCode.INCOMPLETE_PROFILE_DATA,
    SkipCode.NO_CONTENT,
    SkipCode.FILTERED,
    SkipCode.CHANNEL_DISABLED,
    SkipCode.SUPPRESSED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unrouted(Final):
    """The final status of a message that no provider can take, with everything that was considered."""

    skipped: tuple[Skipped, ...] = ()


def furthest(skipped: Sequence[Skipped]) -> Skipped:
    """The one that came nearest to being sent; of equals, the first."""
    return max(skipped, key=lambda skip: _PROGRESS.index(skip.code))


def without_routing() -> Unrouted:
    """Neither the message nor its template says where to send."""
    return _unroutable(Reason.NO_CHANNELS, "Neither the message nor its template names a channel.", ())


def without_providers() -> Unrouted:
    """The workspace has no provider for any channel."""
    return _unroutable(Reason.NO_PROVIDERS, "No providers added", ())


def nothing_left(skipped: Sequence[Skipped], profile: Mapping[str, Any]) -> Unrouted:
    """Every entry was left out; ``skipped`` is not empty."""
    skip, all_ = furthest(skipped), tuple(skipped)
    if all(s.entry == Channel.INBOX and s.code is SkipCode.NO_PROVIDERS for s in skipped):
        return Unrouted(status=Status.UNROUTABLE, skipped=all_)
    if skip.code is SkipCode.SUPPRESSED:
        return Unrouted(status=Status.UNDELIVERABLE, reason=Reason.BOUNCED, error=skip.detail, skipped=all_)
    if skip.code in {SkipCode.FILTERED, SkipCode.CHANNEL_DISABLED}:
        error = "Every channel was removed by a condition."
        if skip.code is SkipCode.CHANNEL_DISABLED:
            error = "No channel is left of those that the recipient has chosen for the topic."
        return Unrouted(status=Status.FILTERED, reason=Reason.FILTERED, error=error, skipped=all_)
    return _unroutable(*_words(skip, profile), all_)


def _words(skip: Skipped, profile: Mapping[str, Any]) -> tuple[Reason, str]:
    match skip.code:
        case SkipCode.NO_PROVIDERS:
            return Reason.NO_PROVIDERS, "No providers added"
        case SkipCode.MISSING_CONFIGURATION:
            return Reason.PROVIDER_ERROR, skip.detail
        case SkipCode.NO_CONTENT:
            return Reason.NO_CHANNELS, skip.detail
        case _ if not any(profile.get(key) for key in _CONTACT_KEYS):
            return Reason.NO_CHANNELS, "The recipient has no address for any channel."
        case _:
            return Reason.PROVIDER_ERROR, "Information required by the provider was not included."


def _unroutable(reason: Reason, error: str, skipped: tuple[Skipped, ...]) -> Unrouted:
    return Unrouted(status=Status.UNROUTABLE, reason=reason, error=error, skipped=skipped)
