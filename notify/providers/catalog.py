"""The catalogue: what each provider wants to be told, read off its own settings."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Literal, get_args, get_origin

from pydantic import BaseModel, SecretStr

from notify.providers.base import Provider
from notify.providers.registry import REGISTRY

_TYPES: Mapping[type, str] = {
    bool: "boolean",
    int: "number",
    float: "number",
    str: "string",
    SecretStr: "string",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """``type``: string, number, boolean, enum, array or object. ``values``: of an enum."""

    type: str
    required: bool
    values: list[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A provider there is."""

    provider: str
    name: str
    description: str
    channel: str
    settings: Mapping[str, Setting]


def entries(
    keys: frozenset[str] | None = None, name: str | None = None, channel: str | None = None
) -> Iterator[Entry]:
    """All providers, by key: of these keys, with ``name`` in theirs, for ``channel``; in whatever case."""
    for key in sorted(REGISTRY):
        provider = REGISTRY[key]
        channels = [str(one) for one in provider.channels]
        if (
            (keys is None or key in keys)
            and (name is None or name.lower() in provider.name.lower())
            and (channel is None or channel.lower() in channels)
        ):
            yield _entry(provider, channel.lower() if channel else channels[0])


def _entry(provider: Provider[Any], channel: str) -> Entry:
    fields = provider.Settings.model_fields.items()
    return Entry(
        provider=provider.key,
        name=provider.name,
        description=provider.description,
        channel=channel,
        settings={name: _setting(field.annotation, field.is_required()) for name, field in fields},
    )


def _setting(annotation: Any, required: bool) -> Setting:
    kind = _plain(annotation)
    if get_origin(kind) is Literal:
        return Setting(type="enum", required=required, values=[str(value) for value in get_args(kind)])
    if isinstance(kind, type) and issubclass(kind, Enum):
        return Setting(type="enum", required=required, values=[str(one.value) for one in kind])
    return Setting(type=_named(kind), required=required)


def _plain(annotation: Any) -> Any:
    """Without ``None`` and what only checks."""
    options = [one for one in get_args(annotation) if one is not type(None)]
    origin = get_origin(annotation)
    if origin is not None and origin not in (Literal, list, tuple, dict) and options:
        return _plain(options[0])
    return annotation


def _named(kind: Any) -> str:
    origin = get_origin(kind) or kind
    if origin in (list, tuple, set, frozenset):
        return "array"
    if origin is dict or (isinstance(origin, type) and issubclass(origin, BaseModel)):
        return "object"
    return next((name for type_, name in _TYPES.items() if origin is type_), "string")
