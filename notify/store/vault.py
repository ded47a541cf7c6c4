"""Secrets at rest: Fernet (AES-128-CBC with HMAC-SHA256). The first key encrypts, all of them decrypt."""

from functools import lru_cache
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken, MultiFernet

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


def is_current(sealed: bytes) -> bool:
    """Whether the first key made it."""
    try:
        _keys()[0].decrypt(sealed)
    except InvalidToken:
        return False
    return True


def reseal(sealed: bytes) -> bytes:
    """The same, encrypted with the first key.

    Raises:
        cryptography.fernet.InvalidToken: none of the configured keys made it.
    """
    return _fernet().rotate(sealed)


@lru_cache(maxsize=1)
def _fernet() -> MultiFernet:
    return MultiFernet(_keys())


def _keys() -> list[Fernet]:
    keys = settings.load().encryption_key.get_secret_value().split(",")
    return [Fernet(key.strip()) for key in keys]
