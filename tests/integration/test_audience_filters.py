"""Audience filters: PostgreSQL and the predicate say the same of every profile."""

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import text

from notify.errors import InvalidRequest
from notify.model import filters
from notify.model.filters import Operator
from notify.model.names import World
from notify.recipients import audience
from notify.store import bulk, db, tables
from notify.store.audience_filters import Condition
from tests.integration.harness import Database

_TENANTS = ("acme", "globex")
_TEXTS = [
    "", "a", "A", "ab", "true", "false", "null", "5", "5.0", "-1.5e2", "1e999", "\u0665", "5\n", "2024-02-29",
    "2023-02-29",
    "2024-02-29T10:00", "2024-02-29T10:00:00.5+14:00", "2024-02-29T10:00:00Z",
    "2024-02-28T24:00", "%_\\", "ü", "[1]",
]  # fmt: skip
_texts = st.sampled_from(_TEXTS) | st.text(
    st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=3
)
# Mostly what filters ask for, so that the edges are met.
_scalars = (
    st.sampled_from([*_TEXTS, 5, 5.0, -150, 0, 1e20, True, False, None])
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | _texts
)
_values = _scalars | st.lists(_scalars, max_size=3) | st.just([["a"]]) | st.just({"0": "a"})
_profiles = st.fixed_dictionaries(
    {}, optional={"a": _values, "b": st.fixed_dictionaries({}, optional={"a": _values})}
)
_paths = st.sampled_from(["a", "a", "b.a", "b", "a.0", "c"])
_ordering = st.sampled_from(["5", "0", "-1.5e2", "1e20", "2024-02-29", "2024-02-29T10:00:00-05:00"])
_dates = st.sampled_from(["2024-02-29", "2024-02-28T20:00", "2024-02-29T10:00:00.5+14:00"])
_ORDERING = ("GT", "GTE", "LT", "LTE")


@st.composite
def _rules(draw: st.DrawFn) -> dict[str, Any]:
    operator = draw(st.sampled_from(sorted(Operator)))
    value: Any
    match operator:
        case "MEMBER_OF":
            return {"operator": operator, "path": "account_id", "value": draw(st.sampled_from(_TENANTS))}
        case "EXISTS":
            value = draw(st.sampled_from(["true", "false"]))
        case "IS_BEFORE" | "IS_AFTER":
            value = draw(_dates)
        case "INCLUDES" | "OMIT":
            value = draw(_texts | st.lists(_texts, min_size=1, max_size=3))
        case _:
            value = draw(_ordering if operator in _ORDERING else _texts)
    return {"operator": operator, "path": draw(_paths), "value": value}


_filters = _rules() | st.recursive(
    _rules(),
    lambda inner: st.fixed_dictionaries(
        {"operator": st.sampled_from(["AND", "OR"]), "filters": st.lists(inner, min_size=1, max_size=3)}
    ),
    max_leaves=4,
)
_users = st.lists(st.tuples(_profiles, st.sets(st.sampled_from(_TENANTS))), min_size=10, max_size=20)


_EDGES: list[Any] = [
    *_TEXTS, 5, 5.0, 5.5, -150, 0, 1e20, 2**63, True, False, None, [], {}, ["a"], [["a"]], [5], [True, "5"],
    [None], {"a": "a"}, ["2024-02-29"],
]  # fmt: skip


def _askable(operator: str) -> Iterator[filters.Filter]:
    """The operator with every edge that it may be asked for."""
    for value in [*_TEXTS, ["a", "5"], ["true"]]:
        path = "account_id" if operator == "MEMBER_OF" else "a"
        with suppress(InvalidRequest):
            yield filters.parse({"operator": operator, "path": path, "value": value})


@pytest.mark.parametrize("operator", sorted(Operator))
def test_both_say_the_same_of_every_edge(database: Database, operator: str) -> None:
    users: list[tuple[dict[str, Any], set[str]]] = [({"a": value}, set()) for value in _EDGES]
    users += [({}, set()), ({}, {"a"}), ({"b": "a"}, {"true", "b"})]
    asked = list(_askable(operator))
    assert asked
    for node in asked:
        expected = [audience.matches(node, audience.Subject(*user)) for user in users]
        assert _in_sql(node, users) == expected, node


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=_filters, users=_users)
def test_both_say_the_same(
    database: Database, asked: dict[str, Any], users: list[tuple[dict[str, Any], set[str]]]
) -> None:
    node = filters.parse(asked)
    expected = [audience.matches(node, audience.Subject(profile, tenants)) for profile, tenants in users]
    assert _in_sql(node, users) == expected
    assert filters.parse(filters.as_json(node)) == node
    for profile, tenants in users:
        assert audience.reason(node, audience.Subject(profile, tenants))


def _in_sql(node: filters.Filter, users: list[tuple[dict[str, Any], set[str]]]) -> list[bool]:
    condition = Condition(node)
    rows = [{"world": World.TEST, "user_id": f"{i:02}", "profile": p} for i, (p, _) in enumerate(users)]
    members = [
        {"world": World.TEST, "tenant_id": tenant, "user_id": f"{i:02}"}
        for i, (_, tenants) in enumerate(users)
        for tenant in tenants
    ]
    with db.engine().connect() as connection, connection.begin() as rolled_back:
        bulk.insert(connection, tables.profile, rows)
        bulk.insert(connection, tables.tenant_member, members)
        query = text(f"SELECT user_id, {condition.sql} AS holds FROM profile p ORDER BY user_id")
        found = connection.execute(query, condition.parameters).all()
        rolled_back.rollback()
    return [row.holds for row in found]
