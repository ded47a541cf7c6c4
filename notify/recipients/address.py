"""A recipient's address on a channel: a profile in; the address as it is compared, or shown masked, out."""

import re
from collections.abc import Mapping
from typing import Any

from notify.model.names import Channel

KEYS: Mapping[Channel, str] = {Channel.EMAIL: "email", Channel.SMS: "phone_number"}
"""The channels whose addresses may be suppressed, and the profile key that holds them."""

_SHOWN_DIGITS = 2


def address(profile: Mapping[str, Any], channel: Channel) -> str | None:
    """The address in the form in which it is compared; None without one, or on another channel."""
    value = profile.get(KEYS.get(channel, ""))
    return (normal(value) or None) if isinstance(value, str) else None


def normal(value: str) -> str:
    """Addresses that mean the same are the same: case, spaces and a number's punctuation do not count."""
    if "@" in value:
        return value.strip().lower()
    return re.sub(r"[\s().-]", "", value)


def masked(value: str) -> str:
    """Enough to recognise an address by, too little to write to it: ``a***@example.com``, ``+49***56``."""
    name, at, domain = value.rpartition("@")
    if at:
        return f"{name[:1]}***@{domain}"
    return f"{value[: _SHOWN_DIGITS + 1]}***{value[-_SHOWN_DIGITS:]}"
