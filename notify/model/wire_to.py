"""``message.to``: which recipients a message names, and whether each is well formed.

A recipient stays the plain object that was sent, since every key of it may be profile data; the models here
check it and describe it in OpenAPI.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field, TypeAdapter

from notify.model.wire_base import WireModel, problem, read_by
from notify.model.wire_forms import MsTeamsTo, PagerdutyTo, SlackTo, UserTo, WebhookTo
from notify.model.wire_groups import AudienceTo, ListPatternTo, ListTo, TenantTo

MAX_RECIPIENTS = 500

CONTROL_KEYS = frozenset(
    {
        "data", "preferences", "context", "tenant_id", "account_id", "list_id", "list_pattern", "audience_id",
        "filters", "include_children",
    }
)  # fmt: skip
"""Keys of a recipient that say how to send; all others are profile data of this send."""
_NAMES_NOBODY = CONTROL_KEYS | {"locale", "timezone", "zoneinfo"}


class RecipientKind(StrEnum):
    USER = "user"
    SLACK = "slack"
    MS_TEAMS = "ms_teams"
    PAGERDUTY = "pagerduty"
    WEBHOOK = "webhook"
    LIST = "list"
    LIST_PATTERN = "list_pattern"
    AUDIENCE = "audience"
    TENANT = "tenant"
    BULK = "bulk"


GROUPS = frozenset(
    {
        RecipientKind.LIST, RecipientKind.LIST_PATTERN, RecipientKind.AUDIENCE, RecipientKind.TENANT,
        RecipientKind.BULK,
    }
)  # fmt: skip
"""Kinds that stand for any number of users."""

BULK_KEY = "bulk_job_id"
"""Names the users of a bulk job, in the request that its run makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipient:
    """One recipient as the request names it. ``entry`` is the object as sent; ``user_id`` may be None."""

    kind: RecipientKind
    user_id: str | None
    entry: dict[str, Any]
    tenant_id: str | None


_MODELS: dict[RecipientKind, type[WireModel]] = {
    RecipientKind.USER: UserTo,
    RecipientKind.SLACK: SlackTo,
    RecipientKind.MS_TEAMS: MsTeamsTo,
    RecipientKind.PAGERDUTY: PagerdutyTo,
    RecipientKind.WEBHOOK: WebhookTo,
    RecipientKind.LIST: ListTo,
    RecipientKind.LIST_PATTERN: ListPatternTo,
    RecipientKind.AUDIENCE: AudienceTo,
    RecipientKind.TENANT: TenantTo,
    RecipientKind.BULK: WireModel,
}


def _names_nobody(entry: Mapping[str, Any]) -> bool:
    """True without any key that could be an address: in doubt one user is meant, never all of a tenant."""
    return all(key in _NAMES_NOBODY or value is None or value == "" for key, value in entry.items())


_GROUP_KEYS = {
    "list_pattern": RecipientKind.LIST_PATTERN,
    "list_id": RecipientKind.LIST,
    "audience_id": RecipientKind.AUDIENCE,
}
"""In the order in which they are looked for."""


def _group(entry: Mapping[str, Any]) -> RecipientKind | None:
    for key, kind in _GROUP_KEYS.items():
        if entry.get(key) is not None:
            return kind
    if entry.keys() == {BULK_KEY}:
        return RecipientKind.BULK
    return RecipientKind.TENANT if entry.get("tenant_id") is not None and _names_nobody(entry) else None


def _kind(entry: Mapping[str, Any]) -> RecipientKind:
    if group := _group(entry):
        return group
    if entry.get("webhook") is not None:
        return RecipientKind.WEBHOOK
    if entry.get("pagerduty") is not None:
        return RecipientKind.PAGERDUTY
    if not any(entry.get(key) for key in ("user_id", "email", "phone_number")):
        for kind in (RecipientKind.SLACK, RecipientKind.MS_TEAMS):
            if entry.get(kind) is not None:
                return kind
    return RecipientKind.USER


def _check_entry(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise problem('Input should be a recipient: an object such as {"user_id": "..."}')
    kind = _kind(value)
    if kind not in GROUPS and _names_nobody(value):
        raise problem("names no recipient: give 'user_id', 'email', 'phone_number' or another address")
    _MODELS[kind].model_validate(value)
    return value


def _check(value: Any) -> dict[str, Any] | list[dict[str, Any]]:
    return _LIST.validate_python(value) if isinstance(value, list) else _check_entry(value)


_LIST: TypeAdapter[list[dict[str, Any]]] = TypeAdapter(
    Annotated[
        list[Annotated[dict[str, Any], read_by(_check_entry, described_as=dict[str, Any])]],
        Field(min_length=1, max_length=MAX_RECIPIENTS),
    ]
)
_One = UserTo | ListTo | ListPatternTo | AudienceTo | TenantTo | SlackTo | MsTeamsTo | PagerdutyTo | WebhookTo
To = Annotated[
    dict[str, Any] | list[dict[str, Any]],
    read_by(
        _check,
        described_as=_One | Annotated[list[_One], Field(min_length=1, max_length=MAX_RECIPIENTS)],
    ),
]


def recipient(entry: dict[str, Any], *, tenant_id: str | None) -> Recipient:
    """``tenant_id``: the message's own, which the entry's beats."""
    context = entry.get("context") or {}
    own = entry.get("tenant_id") or entry.get("account_id") or context.get("tenant_id")
    return Recipient(kind=_kind(entry), user_id=entry.get("user_id"), entry=entry, tenant_id=own or tenant_id)


def is_group(entry: Mapping[str, Any]) -> bool:
    """Whether it stands for any number of users."""
    return _kind(entry) in GROUPS
