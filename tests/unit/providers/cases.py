"""What a provider's test file says about it; the contract suite (``test_contract_*.py``) does the rest."""

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from notify.model.call import Answer, Call, Outcome, Outgoing
from notify.model.names import Channel
from notify.model.output import Output
from notify.providers.base import Provider, ProviderSettings, load_settings
from notify.providers.registry import REGISTRY


@dataclass(frozen=True, kw_only=True)
class Send:
    """One delivery and what its call must be: ``check`` asserts."""

    name: str
    profile: Mapping[str, Any]
    output: Output
    check: Callable[[Any], None]
    override: Mapping[str, Any] = field(default_factory=dict)
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Cases:
    """``secrets``: texts that may never be shown. ``required``: settings without which there is an error.

    ``incomplete``: profiles that do not suffice. ``answers``: what the vendor says and what it means.
    """

    key: str
    settings: Mapping[str, Any]
    secrets: tuple[str, ...]
    required: tuple[str, ...]
    incomplete: tuple[Mapping[str, Any], ...]
    sends: tuple[Send, ...]
    answers: tuple[tuple[Answer, Outcome], ...]

    @property
    def provider(self) -> Provider[Any]:
        return REGISTRY[self.key]

    @property
    def channel(self) -> Channel:
        return self.provider.channels[0]

    def loaded(self, **more: Any) -> ProviderSettings:
        loaded: ProviderSettings = load_settings(self.provider, {**self.settings, **more})
        return loaded

    def call(self, send: Send, **changes: Any) -> Call:
        outgoing = outgoing_of(send, **changes)
        return self.provider.request(outgoing, self.loaded(**send.settings))


def outgoing_of(send: Send, **changes: Any) -> Outgoing:
    parts = {"profile": send.profile, "output": send.output, "override": send.override, **changes}
    return Outgoing(message_id="1-5e2b2615-05efbb3acab9172f88dd3f6f", idempotency_key="d1f2", **parts)


def cases_of(key: str) -> Cases:
    """The ``CASES`` of ``test_<key>.py``."""
    found = importlib.import_module(f"{__package__}.test_{key}").CASES
    assert isinstance(found, Cases)
    return found


def all_cases() -> list[Cases]:
    return [cases_of(key) for key in sorted(REGISTRY)]
