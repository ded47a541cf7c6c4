"""Translations at hand for one message: a catalog in, a key's text in the recipient's language out."""

from collections.abc import Mapping
from functools import lru_cache
from gettext import c2py
from typing import Any, cast


def locales(locale: str | None) -> tuple[str, ...]:
    """Where to look for a locale's texts, the best first: ``de-AT`` also as ``de_AT``, then ``de``."""
    if not locale:
        return ()
    language = locale.replace("_", "-").partition("-")[0]
    return tuple(dict.fromkeys((locale, locale.replace("-", "_"), locale.replace("_", "-"), language)))


class Catalog:
    """What ``{{ "key" | t }}`` asks. The key itself, where it has no translation."""

    def __init__(self, catalog: Mapping[str, Any]) -> None:
        self._messages: Mapping[str, Any] = catalog["messages"]
        self._plural = str(catalog["plural"])

    def __call__(self, key: str, count: int | None = None) -> str:
        """``count`` chooses among plural forms."""
        found = self._messages.get(key, key)
        if isinstance(found, str):
            return found
        index = _rule(self._plural)(abs(1 if count is None else count))
        return str(found[min(index, len(found) - 1)])


@lru_cache(maxsize=256)
def _rule(expression: str) -> Any:
    return cast(Any, c2py(expression))
