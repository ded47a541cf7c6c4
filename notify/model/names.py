"""The names of worlds, channels and lanes."""

from enum import StrEnum


class World(StrEnum):
    """Test and production are separate: nothing in one is visible in the other."""

    PRODUCTION = "production"
    TEST = "test"


class Channel(StrEnum):
    """The channels of the reference API; each has deliver queues of its own."""

    EMAIL = "email"
    SMS = "sms"
    PUSH = "push"
    INBOX = "inbox"
    DIRECT_MESSAGE = "direct_message"
    BANNER = "banner"
    WEBHOOK = "webhook"


class Lane(StrEnum):
    """Single sends do not wait behind broadcasts: every queue exists once per lane."""

    SINGLE = "single"
    BULK = "bulk"
