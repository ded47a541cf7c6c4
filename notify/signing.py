"""Keyed digests of our own: bytes and a purpose in, a MAC out. Each purpose has a key of its own, derived
from the signing keys, or from the encryption keys where there are none; the first signs, all of them are
believed. So what was signed outlives an encryption key: its signing key stays when it goes.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from functools import lru_cache
from hashlib import sha256

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from notify import settings

HALF = 16
"""Bytes of a MAC that are enough where it has to be short."""


def mac(purpose: str, data: bytes) -> bytes:
    """The 32-byte HMAC-SHA256 of ``data`` for ``purpose``."""
    return macs(purpose, data)[0]


def macs(purpose: str, data: bytes) -> list[bytes]:
    """The MACs under every key in force, the one that signs first."""
    return [hmac.digest(key, data, sha256) for key in keys(purpose)]


def keys(purpose: str) -> list[bytes]:
    """The 32-byte keys for ``purpose``, the one that signs first; for libraries that sign themselves."""
    config = settings.load()
    given = config.signing_key.get_secret_value() if config.signing_key else None
    encryption = config.encryption_key.get_secret_value()
    return [_derived(root, purpose) for root in _roots(given, encryption)]


def verified(purpose: str, data: bytes, given: bytes) -> bool:
    """Whether ``given`` is one of our MACs of ``data``, or its first half; compared in constant time."""
    made = [known[: len(given)] for known in macs(purpose, data)]
    return len(given) >= HALF and any(hmac.compare_digest(one, given) for one in made)


def signing_key_of(encryption_key: str) -> str:
    """What an encryption key signs with, for ``NOTIFY_SIGNING_KEY``; it does not tell the encryption key."""
    return urlsafe_b64encode(_extracted(encryption_key)).decode()


@lru_cache(maxsize=8)
def _roots(given: str | None, encryption: str) -> tuple[bytes, ...]:
    roots = [urlsafe_b64decode(key.strip()) for key in (given or "").split(",") if key.strip()]
    return tuple(dict.fromkeys([*roots, *(_extracted(key.strip()) for key in encryption.split(","))]))


def _extracted(encryption_key: str) -> bytes:
    """The first half of HKDF (RFC 5869 2.2) without a salt; the second half is ``_derived``."""
    return hmac.digest(bytes(sha256().digest_size), encryption_key.encode(), sha256)


@lru_cache(maxsize=64)
def _derived(root: bytes, purpose: str) -> bytes:
    return HKDFExpand(SHA256(), length=32, info=f"notify {purpose}".encode()).derive(root)
