"""Keyed digests of our own: bytes and a purpose in, a MAC out. Each purpose has a key of its own, derived
from the encryption keys; the first of those signs, all of them are believed.
"""

import hmac
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from notify import settings

HALF = 16
"""Bytes of a MAC that are enough where it has to be short."""


def mac(purpose: str, data: bytes) -> bytes:
    """The 32-byte HMAC-SHA256 of ``data`` for ``purpose``."""
    return macs(purpose, data)[0]


def macs(purpose: str, data: bytes) -> list[bytes]:
    """The MACs under every key in force, the one that signs first."""
    keys = settings.load().encryption_key.get_secret_value().split(",")
    return [hmac.digest(_derived(key.strip(), purpose), data, sha256) for key in keys]


def verified(purpose: str, data: bytes, given: bytes) -> bool:
    """Whether ``given`` is one of our MACs of ``data``, or its first half; compared in constant time."""
    made = [known[: len(given)] for known in macs(purpose, data)]
    return len(given) >= HALF and any(hmac.compare_digest(one, given) for one in made)


@lru_cache(maxsize=32)
def _derived(key: str, purpose: str) -> bytes:
    return HKDF(SHA256(), length=32, salt=None, info=f"notify {purpose}".encode()).derive(key.encode())
