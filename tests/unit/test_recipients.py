"""The profile and data of one send."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.recipients.resolve import MAX_DEPTH, deep_merge, merge_data, merge_profile

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(["", "x"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=12,
)
OBJECTS = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)


@pytest.mark.parametrize(
    ("below", "above", "expected"),
    [
        (None, None, {}),
        ({"a": 1}, None, {"a": 1}),
        ({"a": 1}, {"a": 2, "b": 3}, {"a": 2, "b": 3}),
        ({"a": {"x": 1, "y": 2}}, {"a": {"y": 3}}, {"a": {"x": 1, "y": 3}}),
        ({"a": [1, 2]}, {"a": [3]}, {"a": [3]}),
        ({"a": {"x": 1}}, {"a": None}, {"a": None}),
        ({"a": {"x": 1}}, {"a": 5}, {"a": 5}),
        ({"a": 5}, {"a": {"x": 1}}, {"a": {"x": 1}}),
    ],
)
def test_deep_merge(
    below: dict[str, Any] | None, above: dict[str, Any] | None, expected: dict[str, Any]
) -> None:
    assert deep_merge(below, above) == expected
    assert merge_data(below, above) == expected


@given(OBJECTS, OBJECTS)
def test_merging_changes_neither_and_keeps_every_key(a: dict[str, Any], b: dict[str, Any]) -> None:
    before = deepcopy((a, b))
    merged = deep_merge(a, b)
    assert (a, b) == before
    assert deep_merge(a, a) == a
    assert deep_merge(merged, b) == merged
    assert set(merged) == set(a) | set(b)


def test_what_is_nested_too_deep_replaces() -> None:
    def nested(depth: int, key: str) -> dict[str, Any]:
        value: dict[str, Any] = {key: 1}
        for _ in range(depth):
            value = {"n": value}
        return value

    def bottom(value: dict[str, Any]) -> set[str]:
        while "n" in value:
            value = value["n"]
        return set(value)

    assert bottom(deep_merge(nested(MAX_DEPTH, "a"), nested(MAX_DEPTH, "b"))) == {"a", "b"}
    assert bottom(deep_merge(nested(MAX_DEPTH + 1, "a"), nested(MAX_DEPTH + 1, "b"))) == {"b"}


def test_the_recipient_beats_the_stored_profile() -> None:
    stored = {"email": "old@example.com", "phone_number": "+1", "custom": {"plan": "pro", "since": 2020}}
    entry = {"user_id": "u", "email": "new@example.com", "custom": {"plan": "free"}, "locale": "fr"}
    assert merge_profile(stored, entry) == {
        "user_id": "u",
        "email": "new@example.com",
        "phone_number": "+1",
        "custom": {"plan": "free", "since": 2020},
        "locale": "fr",
    }


def test_what_says_how_to_send_is_no_profile() -> None:
    entry = {
        "user_id": "u",
        "data": {"x": 1},
        "preferences": {},
        "context": {"tenant_id": "t"},
        "tenant_id": "t",
        "account_id": "t",
        "list_id": "l",
        "phone_number": None,
    }
    assert merge_profile({"phone_number": "+1"}, entry) == {"user_id": "u", "phone_number": "+1"}
