"""``docs/openapi.json`` is this version's, and says all that a caller wants to know."""

import re
from typing import Any

import jsonschema_rs
import pytest

from notify.api.__main__ import written
from notify.api.app import routed
from notify.api.description import operations
from notify.api.examples import BODIES
from tests.stack import ROOT

DOCUMENT: dict[str, Any] = routed().openapi()
OPERATIONS = [(f"{method} {path}", operation) for method, path, operation in operations(DOCUMENT)]
BY_ID = {operation["operationId"]: operation for _, operation in OPERATIONS}


def test_the_published_document_is_this_versions() -> None:
    published = (ROOT / "docs" / "openapi.json").read_bytes()
    assert published == written(), "docs/openapi.json is out of date: run `make openapi`"


def test_each_operation_has_a_name_of_its_own_that_a_client_can_use() -> None:
    assert len(BY_ID) == len(OPERATIONS)
    assert [name for name in BY_ID if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name)] == []


def test_each_operation_says_what_it_does_and_what_errors_there_are() -> None:
    for name, operation in OPERATIONS:
        answers = set(operation["responses"])
        assert operation.get("description"), name
        assert "422" not in answers, name
        assert "security" not in operation or answers >= {"400", "401", "403", "429", "503"}, name
        assert "requestBody" not in operation or "413" in answers, name
        assert not _once(operation) or "security" not in operation or "409" in answers, name


def _once(operation: dict[str, Any]) -> bool:
    """Whether it takes an idempotency key."""
    return "idempotency-key" in {one["name"].lower() for one in operation.get("parameters", ())}


def test_every_post_takes_an_idempotency_key_unless_its_answer_is_a_secret() -> None:
    without = {
        operation["operationId"]
        for name, operation in OPERATIONS
        if name.startswith("POST") and "security" in operation and not _once(operation)
    }
    keys, hooks = {"api_keys_create", "api_keys_rotate"}, {"webhooks_create", "webhooks_rotate_secret_rotate"}
    assert without == keys | hooks | {"auth_issue_token_issue"}


def test_each_body_has_an_example() -> None:
    bodies = {
        name
        for name, operation in BY_ID.items()
        if "$ref" in str(operation.get("requestBody", {}).get("content", {}).get("application/json"))
    }
    assert bodies - {"send"} == set(BODIES)


@pytest.mark.parametrize("name", sorted(BODIES))
def test_an_example_is_what_its_schema_says(name: str) -> None:
    schema = BY_ID[name]["requestBody"]["content"]["application/json"]["schema"]
    whole = {**schema, "components": DOCUMENT["components"]}
    jsonschema_rs.validator_for(whole).validate(BODIES[name])
