"""The mark every message carries in its content, by which the provider's records name it: ``key17x3xo``."""

import re
from enum import StrEnum
from typing import NamedTuple

_MARK = re.compile(rb"key(\d+)x(\d+)x([a-z])")
_RECIPIENT = re.compile(r"f(\d+)\.(\d+)")
_PLACES = 1000


class Kind(StrEnum):
    """What happens to a message of the kind at its providers."""

    PLAIN = "o"
    RETRIED = "r"  # refused for the moment, once or twice
    OTHER_PROVIDER = "f"  # refused by the first provider
    OTHER_CHANNEL = "c"  # its number is refused by all
    REFUSED = "d"  # refused by everybody
    ONCE = "m"  # at most once


class Mark(NamedTuple):
    send: int
    place: int
    kind: Kind

    @property
    def key(self) -> int:
        return self.send * _PLACES + self.place

    def __str__(self) -> str:
        return f"key{self.send}x{self.place}x{self.kind}"

    @property
    def recipient(self) -> str:
        return f"f{self.send}.{self.place}"


def find(data: bytes) -> Mark | None:
    """The mark in a provider's request."""
    found = _MARK.search(data)
    return Mark(int(found[1]), int(found[2]), Kind(found[3].decode())) if found else None


def key_of(recipient: str) -> int | None:
    """The key of the message to ``recipient``."""
    found = _RECIPIENT.fullmatch(recipient)
    return int(found[1]) * _PLACES + int(found[2]) if found else None


def send_of(key: int) -> int:
    return key // _PLACES
