"""JSON Patch (RFC 6902) and Merge Patch (RFC 7396) on what is stored: all of it or none."""

from collections.abc import Mapping, Sequence
from typing import Any

import jsonpatch
from jsonpointer import JsonPointerException

from notify.errors import InvalidRequest

MAX_OPERATIONS = 1000


def patched(stored: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``stored`` with the operations applied; it stays an object.

    Raises:
        InvalidRequest: there are too many, one is malformed, its path is missing, or a ``test`` fails.
    """
    if len(operations) > MAX_OPERATIONS:
        raise InvalidRequest(f"patch: at most {MAX_OPERATIONS} operations")
    try:
        result = jsonpatch.apply_patch(stored, operations)
    except (jsonpatch.JsonPatchException, JsonPointerException, KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"patch: {error}") from None
    if not isinstance(result, dict):
        raise InvalidRequest("patch: what is patched must stay an object")
    return result


def merge_patched(stored: Mapping[str, Any], patch: Mapping[str, Any]) -> dict[str, Any]:
    """``stored`` with a merge patch applied: null removes a key, objects merge, all else replaces."""
    merged = dict(stored)
    for key, value in patch.items():
        below = merged.get(key)
        if value is None:
            merged.pop(key, None)
        elif isinstance(value, Mapping):
            merged[key] = merge_patched(below if isinstance(below, Mapping) else {}, value)
        else:
            merged[key] = value
    return merged
