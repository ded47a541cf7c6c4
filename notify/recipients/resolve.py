"""Who a message is for: the stored profile and what the request adds in, the profile of this send out."""

from collections.abc import Mapping
from typing import Any

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


def merge_data(
    message_data: Mapping[str, Any] | None, recipient_data: Mapping[str, Any] | None
) -> dict[str, Any]:
    """The variables of one recipient: ``to.data`` over ``message.data``."""
    return deep_merge(message_data, recipient_data)
