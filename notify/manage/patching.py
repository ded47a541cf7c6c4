"""JSON Patch (RFC 6902) and Merge Patch (RFC 7396) on what is stored: all of it or none."""

from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import jsonpatch
import orjson
from jsonpointer import JsonPointerException

from notify.errors import InvalidRequest
from notify.model.storable import find_fault
from notify.settings.values import MAX_BODY_BYTES

MAX_OPERATIONS = 1000
MAX_COPIED_BYTES = MAX_BODY_BYTES
"""Of what copies lead to, since each may double it: no more than could be given at once."""


def patched(stored: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """``stored`` with the operations applied; it stays an object.

    Raises:
        InvalidRequest: there are too many, one is malformed, its path is missing, a ``test`` fails, or what
            comes of it is too large or too deep to be stored.
    """
    if len(operations) > MAX_OPERATIONS:
        raise InvalidRequest(f"patch: at most {MAX_OPERATIONS} operations")
    try:
        result = _applied(stored, operations)
    except (jsonpatch.JsonPatchException, JsonPointerException, KeyError, TypeError, ValueError) as error:
        raise InvalidRequest(f"patch: {error}") from None
    except RecursionError:
        raise InvalidRequest("patch: what comes of it is nested too deep") from None
    if not isinstance(result, dict):
        raise InvalidRequest("patch: what is patched must stay an object")
    if fault := find_fault(result):
        raise InvalidRequest(f"patch: {fault.message}")
    return result


def _applied(stored: Mapping[str, Any], operations: Sequence[Mapping[str, Any]]) -> Any:
    result: Any = deepcopy(dict(stored))
    for one in operations:
        try:
            result = jsonpatch.JsonPatch([one]).apply(result, in_place=True)
        except jsonpatch.JsonPatchTestFailed:
            # Its own words tell what is stored, which not everybody who may change it may read.
            raise InvalidRequest(f"patch: the test of {one.get('path')!r} failed") from None
        if one.get("op") == "copy" and len(orjson.dumps(result)) > MAX_COPIED_BYTES:
            raise InvalidRequest(f"patch: copies may lead to at most {MAX_COPIED_BYTES} bytes")
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
