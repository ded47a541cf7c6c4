"""A brand's snippets: a source with ``{{> name}}`` in, the source with their texts in place out."""

import re
from collections.abc import Mapping

from notify.errors import ContentError

MAX_DEPTH = 5
MAX_LENGTH = 256 * 1024

_TAG = re.compile(r"\{\{~?>\s*[\"']?([A-Za-z0-9_.-]{1,100})[\"']?\s*~?\}\}")


def expanded(source: str, known: Mapping[str, str]) -> str:
    """One that is not known says nothing.

    Raises:
        ContentError: they hold one another too deeply, or become too long.
    """
    for _ in range(MAX_DEPTH):
        if "{{" not in source or not _TAG.search(source):
            return source
        source = _once(source, known)
    if _TAG.search(source):
        raise ContentError(f"snippets hold one another more than {MAX_DEPTH} deep")
    return source


def _once(source: str, known: Mapping[str, str]) -> str:
    length = len(source) + sum(len(known.get(found[1], "")) for found in _TAG.finditer(source))
    if length > MAX_LENGTH:
        raise ContentError(f"with its snippets the text is longer than {MAX_LENGTH} characters")
    return _TAG.sub(lambda found: known.get(found[1], ""), source)


def without(source: str) -> str:
    """The source as if there were no snippets, to be checked."""
    return _TAG.sub("", source)
