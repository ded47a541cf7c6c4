"""Who a message is for: the stored profile and what the request adds in, the profile of this send out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from notify.model.people import Line, Token
from notify.model.wire import CONTROL_KEYS

MAX_DEPTH = 100


def deep_merge(below: Mapping[str, Any] | None, above: Mapping[str, Any] | None) -> dict[str, Any]:
    """``above`` over ``below``: objects merge key by key, everything else, lists and null too, replaces.

    Neither argument is changed; parts that did not merge are shared with the result. Deeper than
    ``MAX_DEPTH``, which no stored value is, objects replace as well.
    """
    return _merge(below or {}, above or {}, MAX_DEPTH)


def _merge(below: Mapping[str, Any], above: Mapping[str, Any], depth: int) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        old = merged.get(key)
        if depth and isinstance(value, Mapping) and isinstance(old, Mapping):
            value = _merge(old, value, depth - 1)
        merged[key] = value
    return merged


def merge_profile(stored: Mapping[str, Any] | None, entry: Mapping[str, Any]) -> dict[str, Any]:
    """The profile of this send: the recipient's own keys over the stored ones, never stored themselves.

    Keys that say how to send (``data``, ``tenant_id``...) are no profile; ``locale`` is. A null key counts
    as not given, since clients send their unset fields so.
    """
    given = {key: value for key, value in entry.items() if key not in CONTROL_KEYS and value is not None}
    return deep_merge(stored, given)


@dataclass(frozen=True, slots=True, kw_only=True)
class Addressee:
    """What is stored of a message's recipient.

    ``line``: the tenant it is sent in; ``association``: what the user is in that tenant only. ``tokens``:
    those that may be used, the newest first.
    """

    profile: Mapping[str, Any] | None = None
    tokens: Sequence[Token] = ()
    line: Line | None = None
    association: Mapping[str, Any] | None = None


def stored_profile(known: Addressee) -> dict[str, Any]:
    """All that is known before the request says more: the tenants', the user's, the user's in the tenant."""
    tenants = [tenant.user_profile for tenant in known.line.tenants] if known.line else []
    layers = [*tenants, known.profile, _tokens(known), known.association]
    return reduce(deep_merge, layers, {})


def _tokens(known: Addressee) -> dict[str, Any]:
    """The devices' tokens under the keys that push providers read, beside those the profile has itself."""
    by_provider: dict[str, list[str]] = {}
    for one in known.tokens:
        by_provider.setdefault(one.provider_key, []).append(one.token)
    profile = known.profile or {}
    return {
        key: _joined(profile.get(key), within, tokens)
        for provider, tokens in by_provider.items()
        for key, within in [_TOKEN_KEYS[provider]]
    }


def locale_of(known: Addressee, entry: Mapping[str, Any]) -> str | None:
    """What ``locale`` is in the merged profile, without merging all of it."""
    tenants = [tenant.user_profile for tenant in reversed(known.line.tenants)] if known.line else []
    layers = [entry, known.association, known.profile, *tenants]
    found = next((layer["locale"] for layer in layers if layer and layer.get("locale") is not None), None)
    return found if isinstance(found, str) else None


_TOKEN_KEYS: Mapping[str, tuple[str, str | None]] = {
    "firebase-fcm": ("firebaseToken", None),
    "apn": ("apn", "tokens"),
    "expo": ("expo", "tokens"),
    "onesignal": ("oneSignalPlayerID", None),
}
"""Provider -> the profile key of its tokens, and the key below it that holds a list of them."""


def _joined(own: Any, within: str | None, tokens: Sequence[str]) -> Any:
    if within is not None:
        below = own if isinstance(own, Mapping) else {}
        return {within: _joined(below.get(within), None, tokens)}
    given = own if isinstance(own, list) else [own] if own else []
    return list(dict.fromkeys([*given, *tokens]))


def told_profile(profile: Mapping[str, Any], entry: Mapping[str, Any]) -> dict[str, Any]:
    """What a webhook is told of its recipient: what the request says, unless ``webhook.profile`` is expanded.

    A webhook that the operator has configured is told all of ``profile``, the merged one.
    """
    webhook = profile.get("webhook")
    if isinstance(webhook, Mapping) and webhook.get("profile") != "expanded":
        return merge_profile(None, entry)
    return dict(profile)


def merge_data(
    message_data: Mapping[str, Any] | None, recipient_data: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The variables of one recipient: ``to.data`` over ``message.data``."""
    return deep_merge(message_data, recipient_data)
