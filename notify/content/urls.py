"""Which URLs may be sent: a URL goes in, the cleaned URL comes out, None when its scheme is not allowed."""

import re
from urllib.parse import quote

LINKS = frozenset({"http", "https", "mailto", "tel"})
IMAGES = frozenset({"http", "https", "cid"})

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
_UNSAFE = re.compile(r"""[\s<>()"'\\`]""")


def scheme(url: str) -> str | None:
    """The lower-case scheme, None for a URL without one."""
    found = _SCHEME.match(url)
    return found[1].lower() if found else None


def allowed(url: str, schemes: frozenset[str]) -> str | None:
    """The URL as a browser reads it, None when its scheme is none of these; relative URLs pass."""
    # Browsers drop control characters, so that "java\nscript:" would run.
    cleaned = _CONTROL.sub("", url).strip()
    found = scheme(cleaned)
    return cleaned if found is None or found in schemes else None


def destination(url: str) -> str:
    """A URL that stays whole between the parentheses of a Markdown link."""
    return _UNSAFE.sub(lambda found: quote(found[0], safe=""), url)
