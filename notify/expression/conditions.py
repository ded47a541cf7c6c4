"""Conditions as older documents write them: JavaScript's operators go in, Jinja's come out.

``=== !== && || !x``, ``null``, ``undefined`` and ``a ? b : c`` are translated; texts in quotes, and all that
is Jinja already, stay as they are.
"""

import re
from collections.abc import Iterator
from typing import TypeAlias

from notify.errors import ContentError
from notify.expression.scope import ROOT
from notify.expression.source import STRING

MAX_CONDITION = 4096

Group: TypeAlias = "list[str | Group]"

_TOKEN = re.compile(rf"{STRING}|===|!==|&&|\|\||[=!<>]=|\$(?!\w)|\w+|\s+|.", re.DOTALL)
_WORDS = {"===": "==", "!==": "!=", "&&": " and ", "||": " or ", "$": ROOT}
_CLOSING = {"(": ")", "[": "]", "{": "}"}
_NULL = {"null", "undefined"}


def to_jinja(condition: str) -> str:
    """The condition as a Jinja expression. Raises ContentError when brackets do not match."""
    if len(condition) > MAX_CONDITION:
        raise ContentError(f"a condition is at most {MAX_CONDITION} characters long")
    inner = condition.strip()
    if inner.startswith("{{") and inner.endswith("}}"):
        inner = inner[2:-2]
    return _sequence(_nested(_TOKEN.findall(inner))).strip()


def _nested(tokens: list[str]) -> Group:
    """Tokens with each bracketed part, its brackets included, as a list of its own."""
    stack: list[Group] = [[]]
    for token in tokens:
        if token in _CLOSING:
            stack.append([token])
        elif token in _CLOSING.values():
            group = stack.pop()
            if not stack or _CLOSING[str(group[0])] != token:
                raise ContentError(f"unexpected `{token}`")
            stack[-1].append([*group, token])
        else:
            stack[-1].append(token)
    if len(stack) > 1:
        raise ContentError(f"`{stack[-1][0]}` is not closed")
    return stack[0]


def _sequence(items: Group) -> str:
    return ",".join(_choice(part) for part in _split(items))


def _split(items: Group) -> Iterator[Group]:
    part: Group = []
    for item in items:
        if item == ",":
            yield part
            part = []
        else:
            part.append(item)
    yield part


def _choice(items: Group) -> str:
    """``a ? b : c``; it binds weaker than all else, and to the right."""
    if "?" not in items:
        return _negated(items)
    question = items.index("?")
    colon = _matching_colon(items, question)
    test, yes, no = items[:question], items[question + 1 : colon], items[colon + 1 :]
    return f"(({_choice(yes)}) if ({_choice(test)}) else ({_choice(no)}))"


def _matching_colon(items: Group, question: int) -> int:
    depth = 0
    for position in range(question + 1, len(items)):
        depth += {"?": 1, ":": -1}.get(str(items[position]), 0) if isinstance(items[position], str) else 0
        if depth < 0:
            return position
    raise ContentError("`?` without `:`")


def _negated(items: Group) -> str:
    """``!x`` binds stronger than a comparison, Jinja's ``not`` weaker: hence the parentheses."""
    out, position = [], 0
    while position < len(items):
        if items[position] == "!":
            end = _operand_end(items, position + 1)
            out.append(f" (not {_negated(items[position + 1 : end])}) ")
            position = end
        else:
            out.append(_word(items, position))
            position += 1
    return "".join(out)


def _operand_end(items: Group, position: int) -> int:
    while position < len(items) and (items[position] == "!" or str(items[position]).isspace()):
        position += 1
    position += 1
    while position < len(items) and _continues(items, position):
        position += 1
    return position


def _continues(items: Group, position: int) -> bool:
    item, before = items[position], items[position - 1]
    return item == "." or before == "." or (isinstance(item, list) and item[0] in {"(", "["})


def _word(items: Group, position: int) -> str:
    item = items[position]
    if isinstance(item, list):
        return f"{item[0]}{_sequence(item[1:-1])}{item[-1]}"
    if item in _NULL and (position == 0 or items[position - 1] != "."):
        return "none"
    return _WORDS.get(item, item)
