"""Request ids and access lines: every answer has an id, and the log line of its request, too."""

import asyncio
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from notify.api.app import create_app
from notify.manage import keys
from notify.model.names import World
from notify.store import db
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline

GIVEN = "checkout-7f3a:42/b"


Lines = list[dict[str, object]]


@contextmanager
def caught_lines() -> Iterator[Lines]:
    """What is logged meanwhile, each line with its fields."""
    caught: Lines = []

    class Catcher(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if isinstance(record.msg, dict):
                caught.append(dict(record.msg))

    handler, root = Catcher(), logging.getLogger()
    root.addHandler(handler)
    try:
        yield caught
    finally:
        root.removeHandler(handler)


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/health/live", 200),
        ("GET", "/messages", 200),
        ("GET", "/no/such/path", 404),
        ("PATCH", "/send", 405),
        ("POST", "/send", 400),
        ("GET", "/messages/1-00000000-000000000000000000000000", 404),
    ],
)
def test_an_answer_has_the_id_its_caller_gave(api: Api, method: str, path: str, status: int) -> None:
    answer = api.call(method, path, headers={"x-request-id": GIVEN})
    assert (answer.status_code, answer.headers["x-request-id"]) == (status, GIVEN)


@pytest.mark.parametrize("given", [None, "", "x" * 129, "two words", "ada@example.com", "a\tb", "é".encode()])
def test_an_id_that_is_missing_or_implausible_is_replaced(api: Api, given: str | bytes | None) -> None:
    headers = {} if given is None else {"x-request-id": given}
    ids = [api.call("GET", "/messages", headers=headers).headers["x-request-id"] for _ in range(2)]
    assert len(set(ids)) == 2
    assert all(len(id_) == 32 and id_.isalnum() for id_ in ids)


def test_too_large_a_body_has_one_too(api: Api) -> None:
    answer = api.call("POST", "/send", data=b" " * (5 * 1024 * 1024), headers={"x-request-id": GIVEN})
    assert (answer.status_code, answer.headers["x-request-id"]) == (413, GIVEN)


def test_an_error_of_ours_has_one_and_its_log_lines_too(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("marked")

    monkeypatch.setattr("notify.store.message_list.find", broken)
    with caught_lines() as lines:
        answer = api.call("GET", "/messages", headers={"x-request-id": GIVEN})
    assert (answer.status_code, answer.headers["x-request-id"]) == (500, GIVEN)
    assert "marked" not in answer.text
    told = {line["event"]: line for line in lines}
    assert told["api.failed"]["request_id"] == told["api.request"]["request_id"] == GIVEN
    assert told["api.request"]["status"] == 500


@pytest.mark.parametrize(("level", "said"), [("info", True), ("debug", False)])
def test_a_request_has_a_line_if_asked_for_without_ids_and_names(
    configured: Configure, pipeline: Pipeline, level: str, said: bool
) -> None:
    configured(access_log_level=level)
    transport = httpx.ASGITransport(app=create_app())

    async def ask() -> None:
        async with httpx.AsyncClient(transport=transport, base_url="http://notify") as client:
            key = keys.create(World.TEST, "tests")
            headers = {"x-request-id": GIVEN, "authorization": f"Bearer {key}"}
            await client.get("/messages/marked?recipient=marked", headers=headers)

    with caught_lines() as lines:
        asyncio.run(ask())
    found = [line for line in lines if line["event"] == "api.request"]
    told = [(line["method"], line["route"], line["status"], line["request_id"]) for line in found]
    assert told == ([("GET", "/messages/{message_id}", 404, GIVEN)] if said else [])
    ours = [line for line in lines if "." in str(line["event"]) and "request_id" in line]
    assert "marked" not in str(ours)


def test_the_log_of_a_database_error_names_no_parameters(api: Api, database: Database) -> None:
    with pytest.raises(Exception, match="nowhere") as caught, db.begin() as tx:
        tx.exec_driver_sql("SELECT * FROM nowhere WHERE a = %s", ("marked@example.com",))
    assert "marked" not in str(caught.value)
