"""gettext's ``.po`` files: what somebody uploaded in, a catalog of translations out.

Read here and not by a library: those there are make room for as many plural forms as a file claims to
have, or take a text that looks like a path for one. Comments, contexts, fuzzy and obsolete entries are left
out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from gettext import c2py
from typing import Any

from notify.errors import InvalidRequest

MAX_BYTES = 1024 * 1024
MAX_ENTRIES = 20_000
MAX_FORMS = 6
"""Plural forms; no language has more."""
ONE_AND_MANY = "n != 1"

_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"$')
_ESCAPE = re.compile(r"\\(.)")
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r"}
_KEYWORD = re.compile(r"(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])?\s+(.*)$")
_PLURAL = re.compile(
    r"^Plural-Forms:\s*nplurals\s*=\s*(\d{1,3})\s*;\s*plural\s*=\s*([^;\n]{1,500});?\s*$", re.M
)


@dataclass(slots=True)
class _Entry:
    """One message as far as it has been read. ``parts``: by keyword, the plural forms by number."""

    line: int
    parts: dict[str, list[str]] = field(default_factory=dict)
    fuzzy: bool = False

    @property
    def id(self) -> str:
        return "".join(self.parts["msgid"])

    def forms(self) -> list[str]:
        return [
            "".join(self.parts[key]) for key in sorted(key for key in self.parts if key.startswith("msgstr"))
        ]


def parse(po: str) -> dict[str, Any]:
    """``{"messages": {msgid: translation, or a list of plural forms}, "plural": C expression}``.

    Raises:
        InvalidRequest: it is no ``.po`` file, or beyond a limit; the text names the line.
    """
    messages: dict[str, Any] = {}
    plural = ONE_AND_MANY
    for entry in _entries(po):
        if "msgid" not in entry.parts or not entry.forms():
            raise InvalidRequest(f"line {entry.line}: an entry needs `msgid` and `msgstr`")
        if entry.id == "":
            plural = _plural("".join(entry.forms()), entry.line)
        elif not entry.fuzzy and "msgctxt" not in entry.parts and all(entry.forms()):
            forms = entry.forms()
            messages[entry.id] = forms if "msgid_plural" in entry.parts else forms[0]
        if len(messages) > MAX_ENTRIES:
            raise InvalidRequest(f"line {entry.line}: there may be at most {MAX_ENTRIES} entries")
    return {"messages": messages, "plural": plural}


def _entries(po: str) -> Iterator[_Entry]:
    entry, current, fuzzy = _Entry(1), "", False
    for number, raw in enumerate(po.lstrip("\ufeff").splitlines(), 1):
        line = raw.strip()
        if line.startswith("#"):
            fuzzy = fuzzy or (line.startswith("#,") and "fuzzy" in line)
        elif found := _KEYWORD.match(line):
            word, form, rest = found.groups()
            if entry.parts and word in {"msgctxt", "msgid"} and "msgstr" in current:
                yield entry
                entry = _Entry(number)
            if word in {"msgctxt", "msgid"} and fuzzy:
                entry.fuzzy, fuzzy = True, False
            current = f"{word}{form or ''}"
            if current in entry.parts or int(form or 0) >= MAX_FORMS:
                raise InvalidRequest(f"line {number}: `{current}` does not belong here")
            entry.parts[current] = [_text(rest, number)]
        elif line:
            if not current:
                raise InvalidRequest(f"line {number}: not a line of a .po file")
            entry.parts[current].append(_text(line, number))
    if entry.parts:
        yield entry


def _text(quoted: str, line: int) -> str:
    found = _STRING.match(quoted)
    if not found:
        raise InvalidRequest(f"line {line}: a text in quotation marks was expected")
    return _ESCAPE.sub(lambda one: _ESCAPES.get(one[1], one[1]), found[1])


def _plural(header: str, line: int) -> str:
    found = _PLURAL.search(header)
    if not found:
        return ONE_AND_MANY
    try:
        c2py(found[2])
    except ValueError as error:
        raise InvalidRequest(f"line {line}: Plural-Forms: {error}") from None
    return found[2].strip()
