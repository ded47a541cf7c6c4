"""Who belongs to an audience: a filter and one user in; whether they match, and why, out.

``store/audience_filters.py`` says the same in SQL, for all users at once; a property test compares them.
"""

from collections.abc import Callable, Mapping, Set
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from notify.model.filter_values import instant, number
from notify.model.filters import Filter, Group, Operator, Rule


@dataclass(frozen=True, slots=True)
class Subject:
    """A user with a stored profile, and the tenants they are members of."""

    profile: Mapping[str, Any]
    tenants: Set[str] = field(default=frozenset())


def matches(node: Filter, subject: Subject) -> bool:
    """Whether the user is in."""
    if isinstance(node, Group):
        return (all if node.every else any)(matches(one, subject) for one in node.filters)
    if node.operator is Operator.MEMBER_OF:
        return node.value in subject.tenants
    return _TESTS[node.operator](_at(subject.profile, node), node)


def reason(node: Filter, subject: Subject) -> str:
    """What decided, in the reference's words: ``EQ('title', 'Engineer') => true``."""
    if isinstance(node, Group):
        joint = " AND " if node.every else " OR "
        # Of alternatives, those that hold are the reason.
        told = [one for one in node.filters if node.every or matches(one, subject)] or node.filters
        parts = [reason(one, subject) for one in told]
        return parts[0] if len(parts) == 1 else f"({joint.join(parts)})"
    values = ", ".join(f"'{value}'" for value in node.values)
    return f"{node.operator}('{node.path}', {values}) => {str(matches(node, subject)).lower()}"


def _at(profile: Mapping[str, Any], rule: Rule) -> Any:
    """The value at the rule's path; None when it is missing, and when it is null."""
    found: Any = profile
    for key in rule.keys:
        if not isinstance(found, Mapping) or key not in found:
            return None
        found = found[key]
    return found


def _number(value: Any) -> Decimal | None:
    if isinstance(value, str):
        return number(value)
    return Decimal(repr(value)) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _equals(value: Any, text: str) -> bool:
    """Filters hold text: what is no text equals the text that says the same."""
    match value:
        case str():
            return value == text
        case bool():
            return text == ("true" if value else "false")
        case int() | float():
            return number(text) == _number(value)
    return False


def _includes(value: Any, rule: Rule) -> bool:
    match value:
        case str():
            return any(text in value for text in rule.values)
        case list():
            return any(_equals(item, text) for item in value for text in rule.values)
    return False


def _starts(value: Any, rule: Rule) -> bool:
    return isinstance(value, str) and value.startswith(rule.value)


def _ends(value: Any, rule: Rule) -> bool:
    return isinstance(value, str) and value.endswith(rule.value)


def _compares(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Rule], bool]:
    """By number when the rule names one, else by date."""

    def test(value: Any, rule: Rule) -> bool:
        asked = number(rule.value)
        if asked is None:
            return _dated(holds)(value, rule)
        given = _number(value)
        return given is not None and holds(given, asked)

    return test


def _dated(holds: Callable[[Any, Any], bool]) -> Callable[[Any, Rule], bool]:
    def test(value: Any, rule: Rule) -> bool:
        given = instant(value) if isinstance(value, str) else None
        return given is not None and holds(given, instant(rule.value))

    return test


_TESTS: Mapping[Operator, Callable[[Any, Rule], bool]] = {
    Operator.EQ: lambda value, rule: _equals(value, rule.value),
    Operator.NEQ: lambda value, rule: not _equals(value, rule.value),
    Operator.GT: _compares(lambda given, asked: given > asked),
    Operator.GTE: _compares(lambda given, asked: given >= asked),
    Operator.LT: _compares(lambda given, asked: given < asked),
    Operator.LTE: _compares(lambda given, asked: given <= asked),
    Operator.IS_BEFORE: _dated(lambda given, asked: given < asked),
    Operator.IS_AFTER: _dated(lambda given, asked: given > asked),
    Operator.EXISTS: lambda value, rule: (value is not None) == (rule.value == "true"),
    Operator.INCLUDES: _includes,
    Operator.OMIT: lambda value, rule: not _includes(value, rule),
    Operator.STARTS_WITH: _starts,
    Operator.ENDS_WITH: _ends,
}
