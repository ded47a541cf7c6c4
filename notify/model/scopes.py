"""What an API key may do."""

from enum import StrEnum


class KeyScope(StrEnum):
    """None includes another: a key has those it was given.

    ``read`` looks at everything but what ``admin`` and ``keys`` open. ``send`` sends, cancels, resends and
    archives, and writes recipients' profiles, lists, tenants and devices. ``manage`` changes what is
    configured: templates, providers, limits, suppressions. ``admin`` pauses and retries, and reads the audit
    log. ``keys`` looks at, makes, replaces and ends API keys, of those that may no more than itself.
    ``inbound`` is of keys that stand in a URL, and may be no other scope's neighbour: they report events.
    """

    READ = "read"
    SEND = "send"
    MANAGE = "manage"
    ADMIN = "admin"
    KEYS = "keys"
    INBOUND = "inbound"


EVERYTHING = frozenset(KeyScope) - {KeyScope.INBOUND}
"""All that a key in a header may have."""
