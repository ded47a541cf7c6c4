"""An audience's filter: JSON as the API has it in, a checked tree out, and back again."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from notify.errors import InvalidRequest
from notify.model.filter_values import instant, number

MAX_RULES = 100
MAX_DEPTH = 10
MAX_VALUES = 100
MAX_PATH = 512


class Operator(StrEnum):
    """What a rule asks of the profile's value at its path."""

    EQ = "EQ"
    NEQ = "NEQ"
    GT = "GT"
    GTE = "GTE"
    LT = "LT"
    LTE = "LTE"
    IS_BEFORE = "IS_BEFORE"
    IS_AFTER = "IS_AFTER"
    EXISTS = "EXISTS"
    INCLUDES = "INCLUDES"
    OMIT = "OMIT"
    STARTS_WITH = "STARTS_WITH"
    ENDS_WITH = "ENDS_WITH"
    MEMBER_OF = "MEMBER_OF"


_ORDERING = frozenset({Operator.GT, Operator.GTE, Operator.LT, Operator.LTE})
_DATES = frozenset({Operator.IS_BEFORE, Operator.IS_AFTER})
_MANY = frozenset({Operator.INCLUDES, Operator.OMIT})
_TENANT_PATHS = frozenset({"account_id", "tenant_id"})


@dataclass(frozen=True, slots=True)
class Rule:
    """One condition. ``values``: one text; several only for what the value may include."""

    operator: Operator
    path: str
    values: tuple[str, ...]

    @property
    def keys(self) -> tuple[str, ...]:
        """The path, a key for each level."""
        return tuple(self.path.split("."))

    @property
    def value(self) -> str:
        return self.values[0]


@dataclass(frozen=True, slots=True)
class Group:
    """Rules of which all (``AND``) or any must hold; there is at least one."""

    every: bool
    filters: tuple["Filter", ...]


Filter = Rule | Group


def parse(given: Any, operator: str | None = None) -> Group:
    """Read a filter: a group, or (older form) a single rule. ``operator``: the outer group's, if it has none.

    Raises:
        InvalidRequest: it is none; the text names the place.
    """
    if not isinstance(given, Mapping):
        raise InvalidRequest("filter: must be an object with 'filters'")
    if "filters" not in given:
        return Group(True, (_rule(given, "filter"),))
    named = given.get("operator") or operator
    if named is None and len(_list(given, "filter")) == 1:
        named = "AND"
    read = _group({**given, "operator": named}, "filter", 1)
    if (count := _count(read)) > MAX_RULES:
        raise InvalidRequest(f"filter: has {count} rules; {MAX_RULES} are allowed")
    return read


def _parse(given: Any, at: str, depth: int) -> Filter:
    if not isinstance(given, Mapping):
        raise InvalidRequest(f"{at}: must be a rule or a group of rules")
    return _group(given, at, depth) if given.get("filters") is not None else _rule(given, at)


def _group(given: Mapping[str, Any], at: str, depth: int) -> Group:
    if given.get("operator") not in ("AND", "OR"):
        raise InvalidRequest(f"{at}.operator: must be 'AND' or 'OR'")
    if depth > MAX_DEPTH:
        raise InvalidRequest(f"{at}: groups may be nested at most {MAX_DEPTH} deep")
    rules = [_parse(one, f"{at}.filters[{i}]", depth + 1) for i, one in enumerate(_list(given, at))]
    return Group(given["operator"] == "AND", tuple(rules))


def _list(given: Mapping[str, Any], at: str) -> list[Any]:
    found = given["filters"]
    if not isinstance(found, list) or not found:
        raise InvalidRequest(f"{at}.filters: must be a list of at least one rule")
    return found


def _rule(given: Mapping[str, Any], at: str) -> Rule:
    try:
        operator = Operator(given.get("operator") or "")
    except ValueError:
        known = ", ".join(Operator)
        raise InvalidRequest(f"{at}.operator: must be one of {known}, or AND, OR of a group") from None
    path = given.get("path")
    if not isinstance(path, str) or len(path) > MAX_PATH or not all(path.split(".")):
        raise InvalidRequest(f"{at}.path: must name a value of the profile, such as 'address.country'")
    rule = Rule(operator, path, _values(given.get("value"), operator, at))
    _check(rule, at)
    return rule


def _values(given: Any, operator: Operator, at: str) -> tuple[str, ...]:
    several = given if isinstance(given, list) else [given]
    if isinstance(given, list) and operator not in _MANY:
        raise InvalidRequest(f"{at}.value: may be a list only with INCLUDES and OMIT")
    if not 0 < len(several) <= MAX_VALUES:
        raise InvalidRequest(f"{at}.value: must be 1 to {MAX_VALUES} values")
    return tuple(_text(one, at) for one in several)


def _text(given: Any, at: str) -> str:
    match given:
        case bool():
            return "true" if given else "false"
        case str():
            return given
        case int() | float():
            return str(given)
    raise InvalidRequest(f"{at}.value: must be text")


def _check(rule: Rule, at: str) -> None:
    if rule.operator is Operator.EXISTS and rule.value not in ("true", "false"):
        raise InvalidRequest(f"{at}.value: must be 'true' or 'false'")
    if rule.operator is Operator.MEMBER_OF and rule.path not in _TENANT_PATHS:
        raise InvalidRequest(f"{at}.path: must be 'account_id' with MEMBER_OF")
    if rule.operator in _DATES and instant(rule.value) is None:
        raise InvalidRequest(f"{at}.value: must be an ISO 8601 date")
    if rule.operator in _ORDERING and number(rule.value) is None and instant(rule.value) is None:
        raise InvalidRequest(f"{at}.value: must be a number, or an ISO 8601 date")


def _count(node: Filter) -> int:
    return sum(map(_count, node.filters)) if isinstance(node, Group) else 1


def as_json(node: Filter) -> dict[str, Any]:
    """The filter in the shape of the API."""
    if isinstance(node, Group):
        return {"operator": "AND" if node.every else "OR", "filters": [as_json(one) for one in node.filters]}
    value = list(node.values) if len(node.values) > 1 else node.value
    return {"operator": str(node.operator), "path": node.path, "value": value}
