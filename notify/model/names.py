"""The names of worlds, modes, guarantees, channels and lanes."""

from enum import StrEnum


class World(StrEnum):
    """Test and production are separate: nothing in one is visible in the other."""

    PRODUCTION = "production"
    TEST = "test"


class Mode(StrEnum):
    """What the sends of an API key do: a key's kind, and the mode of what was sent with it.

    ``published`` sends published templates, ``draft`` sends the drafts of templates, ``mock`` does all but
    call providers.
    """

    PUBLISHED = "published"
    DRAFT = "draft"
    MOCK = "mock"


class Guarantee(StrEnum):
    """What happens when nobody knows whether a provider took a message: send again, or never twice."""

    AT_LEAST_ONCE = "at_least_once"
    AT_MOST_ONCE = "at_most_once"


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
