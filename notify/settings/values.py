"""Kinds of values: what a setting's text must look like, and what it is read as."""

import re
from base64 import urlsafe_b64decode
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Annotated, Any

from pydantic import AfterValidator, AliasChoices, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

MAX_BODY_BYTES = 4 * 1024 * 1024
_KEY_BYTES = 32


def env(name: str) -> AliasChoices:
    """``DATABASE_URL`` and ``NOTIFY_DATABASE_URL`` both work for what platforms name without a prefix."""
    return AliasChoices(f"NOTIFY_{name}", name)


def _words(value: Any) -> Any:
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _networks(value: Any) -> Any:
    return tuple(map(ip_network, _words(value))) if isinstance(value, str) else value


def _waits(value: Any) -> Any:
    return tuple(float(part) for part in value.split(",")) if isinstance(value, str) else value


def _origins(found: tuple[str, ...]) -> tuple[str, ...]:
    for one in found:
        if one != "*" and not re.fullmatch(r"https?://[^/\s?#@*]+", one):
            raise ValueError(f"{one!r} is no origin, such as https://app.example.com, and not *")
    return found


def _keys(value: SecretStr) -> SecretStr:
    for key in value.get_secret_value().split(","):
        if not _is_key(key.strip()):
            raise ValueError("must be url-safe base64 of 32 bytes; several are separated by commas")
    return value


def _is_key(text: str) -> bool:
    try:
        return len(urlsafe_b64decode(text)) == _KEY_BYTES
    except ValueError:
        return False


def _psycopg_url(value: str) -> str:
    scheme, _, rest = value.partition("://")
    if scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
        raise ValueError("must be a postgresql:// URL")
    return f"postgresql+psycopg://{rest}"


Seconds = Annotated[float, Field(gt=0)]
Bytes = Annotated[int, Field(gt=0)]
Words = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_words)]
"""By comma, as are all tuples."""
Waits = Annotated[tuple[float, ...], NoDecode, BeforeValidator(_waits)]
Networks = Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_networks)]
Origins = Annotated[tuple[str, ...], NoDecode, AfterValidator(_origins), BeforeValidator(_words)]
Keys = Annotated[SecretStr, AfterValidator(_keys)]
PostgresUrl = Annotated[str, AfterValidator(_psycopg_url)]
