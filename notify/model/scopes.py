"""What an API key may do."""

from enum import StrEnum


class KeyScope(StrEnum):
    """None includes another: a key has those it was given.

    ``read`` looks at everything but what ``admin`` opens. ``send`` sends, cancels, resends and archives, and
    writes recipients' profiles, lists, tenants and devices. ``manage`` changes what is configured: templates,
    providers, limits, suppressions. ``admin`` pauses and retries, makes keys, and reads the audit log.
    """

    READ = "read"
    SEND = "send"
    MANAGE = "manage"
    ADMIN = "admin"


EVERYTHING = frozenset(KeyScope)
