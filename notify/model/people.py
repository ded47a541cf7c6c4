"""Tenants and devices, as the store knows them and as messages are resolved with them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """One tenant as it is stored, without what it has from its ancestors."""

    id: str
    name: str
    brand_id: str | None = None
    properties: Mapping[str, Any] = field(default_factory=dict)
    user_profile: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Line:
    """The tenant a message is sent in, after all its ancestors, the root first."""

    tenants: Sequence[Tenant]

    @property
    def id(self) -> str:
        return self.tenants[-1].id

    @property
    def brand_id(self) -> str | None:
        """The brand of the nearest that has one."""
        return next((tenant.brand_id for tenant in reversed(self.tenants) if tenant.brand_id), None)

    @property
    def variables(self) -> dict[str, Any]:
        """What templates see as ``tenant``: its properties, per key over those of its ancestors."""
        merged = {key: value for tenant in self.tenants for key, value in tenant.properties.items()}
        return {"id": self.id, "name": self.tenants[-1].name, **merged}


@dataclass(frozen=True, slots=True)
class Token:
    """A device's token and the push provider that takes it."""

    provider_key: str
    token: str
