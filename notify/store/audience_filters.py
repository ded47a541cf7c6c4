"""An audience's filter as SQL over the stored profiles, for all users at once.

It says what ``recipients/audience.py`` says of one user; a property test holds them together. Whatever a
profile holds, nothing here raises an error: text is looked at before it is cast.
"""

from typing import Any

from notify.model.filter_values import NUMBER, number
from notify.model.filters import Filter, Group, Operator, Rule

_COMPARED = {
    Operator.GT: ">",
    Operator.GTE: ">=",
    Operator.LT: "<",
    Operator.LTE: "<=",
    Operator.IS_BEFORE: "<",
    Operator.IS_AFTER: ">",
}
_DATES = (Operator.IS_BEFORE, Operator.IS_AFTER)


class Condition:
    """``sql`` over the row ``p`` of ``profile``, and the parameters it names."""

    def __init__(self, node: Filter) -> None:
        self.parameters: dict[str, Any] = {}
        self.sql = self._filter(node)

    def _filter(self, node: Filter) -> str:
        if isinstance(node, Group):
            joint = " AND " if node.every else " OR "
            return f"({joint.join(map(self._filter, node.filters))})"
        return f"coalesce({self._rule(node)}, false)"

    def _bind(self, value: Any, type_: str = "text") -> str:
        name = f"filter_{len(self.parameters)}"
        self.parameters[name] = value
        return f"CAST(:{name} AS {type_})"

    def _rule(self, rule: Rule) -> str:
        match rule.operator:
            case Operator.MEMBER_OF:
                return (
                    "EXISTS (SELECT FROM tenant_member f WHERE f.world = p.world AND f.user_id = p.user_id "
                    f"AND f.tenant_id = {self._bind(rule.value)})"
                )
            case Operator.EXISTS:
                return f"{self._value(rule)} IS {'NOT ' if rule.value == 'true' else ''}NULL"
            case Operator.NEQ:
                return f"NOT coalesce({self._equals(rule)}, false)"
            case Operator.OMIT:
                return f"NOT coalesce({self._includes(rule)}, false)"
            case Operator.INCLUDES:
                return self._includes(rule)
            case Operator.EQ:
                return self._equals(rule)
            case Operator.STARTS_WITH:
                return f"starts_with({self._text(rule)}, {self._bind(rule.value)})"
            case Operator.ENDS_WITH:
                end = self._bind(rule.value)
                return f"right({self._text(rule)}, length({end})) = {end}"
        return self._compares(rule)

    def _value(self, rule: Rule) -> str:
        steps = "".join(f" -> {self._bind(key)}" for key in rule.keys)
        return f"nullif(p.profile{steps}, 'null'::jsonb)"

    def _text(self, rule: Rule) -> str:
        """The value if it is text; else null."""
        value = self._value(rule)
        return f"CASE jsonb_typeof({value}) WHEN 'string' THEN {value} #>> '{{}}' END"

    def _number(self, rule: Rule) -> str:
        """The value if it is a number, or text that is one; else null."""
        value = self._value(rule)
        text = f"({value} #>> '{{}}')"
        return (
            f"CASE WHEN jsonb_typeof({value}) IN ('number', 'string') AND "
            f"(jsonb_typeof({value}) = 'number' OR {text} ~ '{NUMBER}') THEN {text}::numeric END"
        )

    def _forms(self, text: str) -> list[str]:
        """The JSON values that equal a text."""
        forms = [f"to_jsonb({self._bind(text)})"]
        if (found := number(text)) is not None:
            forms.append(f"to_jsonb({self._bind(found, 'numeric')})")
        if text in ("true", "false"):
            forms.append(f"'{text}'::jsonb")
        return forms

    def _equals(self, rule: Rule) -> str:
        return f"{self._value(rule)} IN ({', '.join(self._forms(rule.value))})"

    def _includes(self, rule: Rule) -> str:
        """In a list, or in a text."""
        value, text = self._value(rule), self._text(rule)
        forms = [form for one in rule.values for form in self._forms(one)]
        listed = " OR ".join(f"{value} @> {form}" for form in forms)
        within = " OR ".join(f"position({self._bind(one)} IN {text}) > 0" for one in rule.values)
        return f"CASE jsonb_typeof({value}) WHEN 'array' THEN {listed} WHEN 'string' THEN {within} END"

    def _compares(self, rule: Rule) -> str:
        sign = _COMPARED[rule.operator]
        if rule.operator not in _DATES and (asked := number(rule.value)) is not None:
            return f"{self._number(rule)} {sign} {self._bind(asked, 'numeric')}"
        return f"notify_instant({self._text(rule)}) {sign} notify_instant({self._bind(rule.value)})"
