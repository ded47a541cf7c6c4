"""Secrets at rest: Fernet (AES-128-CBC with HMAC-SHA256). The first key encrypts, all of them decrypt."""

from functools import lru_cache
from typing import Any

import orjson
from cryptography.fernet import Fernet, MultiFernet

from notify import settings


def seal(secrets: dict[str, Any]) -> bytes:
    """Encrypt a JSON object."""
    return _fernet().encrypt(orjson.dumps(secrets))


def unseal(sealed: bytes) -> dict[str, Any]:
    """Decrypt what ``seal`` made.

    Raises:
        cryptography.fernet.InvalidToken: none of the configured keys made it.
    """
    opened: dict[str, Any] = orjson.loads(_fernet().decrypt(sealed))
    return opened


@lru_cache(maxsize=1)
def _fernet() -> MultiFernet:
    keys = settings.load().encryption_key.get_secret_value().split(",")
    return MultiFernet([Fernet(key.strip()) for key in keys])
