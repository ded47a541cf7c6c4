"""accept: what a 202 promises, and that one idempotency key is one message."""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import orjson
import pytest
import requests

from notify import clock
from notify.api import send
from notify.api.coalesce import Bounds, Coalescer
from notify.model import wire
from notify.model.names import World
from notify.pipeline.accept import Receipt, Submission
from notify.publisher import Publisher
from tests import factories
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab

BODY = {"message": factories.message()}
OTHER = {"message": factories.message(to={"email": "grace@example.com"})}


# --- ids -----------------------------------------------------------------------------------------


def test_the_request_id_of_one_recipient_is_the_message_id(sandbox: Api) -> None:
    id_ = sandbox.send()
    assert sandbox.message(id_)["id"] == sandbox.message(id_)["requestId"] == id_


@pytest.mark.parametrize("count", [1, 3])
def test_an_array_gives_every_recipient_a_message_of_its_own(
    sandbox: Api, pipeline: Pipeline, count: int
) -> None:
    request_id = sandbox.send(to=[{"user_id": f"user-{n}"} for n in range(count)])
    pipeline.drain()
    found = sandbox.messages(traceId=request_id)
    assert {message["recipient"] for message in found} == {f"user-{n}" for n in range(count)}
    assert all(message["requestId"] == request_id != message["id"] for message in found)
    assert sandbox.get(f"/messages/{request_id}").status_code == 404


def test_a_message_is_enqueued_before_anything_is_done_with_it(sandbox: Api) -> None:
    id_ = sandbox.send(metadata={"event": "signup", "tags": ["new"], "trace_id": "t-1"})
    found = sandbox.message(id_)
    assert (found["status"], found["event"], found["tags"], found["traceId"]) == (
        "ENQUEUED",
        "signup",
        ["new"],
        "t-1",
    )
    assert sandbox.happened(id_) == ["ENQUEUED"]


def test_unknown_fields_are_accepted_and_kept(sandbox: Api, database: Database) -> None:
    sandbox.send(from_the_future={"deep": [1, 2.5, None, "ü"]})
    assert database.one("SELECT body -> 'from_the_future' FROM request") == {"deep": [1, 2.5, None, "ü"]}


# --- idempotency ---------------------------------------------------------------------------------


def test_a_repeat_gets_the_first_answer_whatever_it_says(sandbox: Api, database: Database) -> None:
    first = sandbox.post("/send", BODY, idempotency_key="k")
    again = [sandbox.post("/send", body, idempotency_key="k") for body in (BODY, OTHER)]
    assert {sandbox.accepted(answer) for answer in again} == {sandbox.accepted(first)}
    assert database.count("message") == 1


def test_another_key_and_no_key_are_other_messages(sandbox: Api) -> None:
    answers = [
        sandbox.post("/send", BODY, **key)
        for key in ({"idempotency_key": "k"}, {"idempotency_key": "l"}, {}, {})
    ]
    assert len({sandbox.accepted(answer) for answer in answers}) == 4


def test_fifty_calls_at_once_with_one_key_are_one_message(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))

    def call(number: int) -> requests.Response:
        body = {"message": factories.message(data={"number": number})}
        headers = {**api.session.headers, "idempotency-key": "k"}
        return requests.post(f"{api.base_url}/send", json=body, headers=headers, timeout=30)

    with ThreadPoolExecutor(50) as threads:
        answers = list(threads.map(call, range(50)))
    assert len({api.accepted(answer) for answer in answers}) == 1
    pipeline.drain()
    assert database.count("message") == len(lab.of("sendgrid")) == 1


def test_a_key_is_the_worlds_own(api: Api, sandbox: Api) -> None:
    ids = {each.accepted(each.post("/send", BODY, idempotency_key="k")) for each in (api, sandbox)}
    assert len(ids) == 2


def test_a_key_is_the_paths_own(sandbox: Api) -> None:
    answer = sandbox.post("/profiles/ada", {"profile": {"email": factories.ADA}}, idempotency_key="k")
    assert answer.json() == {"status": "SUCCESS"}
    sandbox.accepted(sandbox.post("/send", BODY, idempotency_key="k"))
    sandbox.post("/profiles/grace", {"profile": {"email": "grace@example.com"}}, idempotency_key="k")
    assert sandbox.get("/profiles/grace").json() == {"profile": {"email": "grace@example.com"}}


def test_a_refused_call_leaves_its_key_free(sandbox: Api) -> None:
    assert sandbox.post("/send", {"message": {}}, idempotency_key="k").status_code == 400
    sandbox.accepted(sandbox.post("/send", BODY, idempotency_key="k"))


def test_an_expired_key_is_free_again(sandbox: Api, database: Database) -> None:
    first = sandbox.accepted(sandbox.post("/send", BODY, idempotency_key="k"))
    database("UPDATE idempotency SET expires_at = now()")
    second = sandbox.accepted(sandbox.post("/send", BODY, idempotency_key="k"))
    assert first != second == sandbox.accepted(sandbox.post("/send", BODY, idempotency_key="k"))


@pytest.mark.parametrize("hours", [24, 48, 365 * 24])
@pytest.mark.parametrize("form", ["iso", "ms"])
def test_a_key_lasts_as_long_as_asked(sandbox: Api, database: Database, hours: int, form: str) -> None:
    until = clock.now().replace(microsecond=0) + timedelta(hours=hours, seconds=10)
    header = until.isoformat() if form == "iso" else str(clock.to_ms(until))
    answer = sandbox.post("/send", BODY, idempotency_key="k", x_idempotency_expiration=header)
    assert answer.status_code == 202, answer.text
    assert database.one("SELECT expires_at FROM idempotency") == until


def test_a_key_lasts_a_day_unless_told(sandbox: Api, database: Database) -> None:
    begin = clock.now()
    sandbox.post("/send", BODY, idempotency_key="k")
    expires_at = database.one("SELECT expires_at FROM idempotency")
    assert begin + timedelta(days=1) <= expires_at <= clock.now() + timedelta(days=1)


def _in(**span: float) -> str:
    return (clock.now() + timedelta(**span)).isoformat()


@pytest.mark.parametrize(
    "header",
    [_in(hours=23), _in(days=-1), _in(days=366), "1700000000000", "tomorrow", "9" * 30, "-1"],
    ids=["23 h", "past", "366 days", "past ms", "no time", "no year", "negative"],
)
def test_a_key_that_lasts_too_short_or_too_long_is_refused(
    sandbox: Api, database: Database, header: str
) -> None:
    answer = sandbox.post("/send", BODY, idempotency_key="k", x_idempotency_expiration=header)
    assert answer.status_code == 400
    assert "x-idempotency-expiration" in answer.json()["message"]
    assert database.count("message") == database.count("idempotency") == 0


@pytest.mark.parametrize("path", ["/send", "/profiles/ada"])
def test_a_key_that_is_too_long_is_refused(sandbox: Api, path: str) -> None:
    body = BODY if path == "/send" else {"profile": {}}
    answer = sandbox.post(path, body, idempotency_key="k" * 256)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert "idempotency-key" in answer.json()["message"]


# --- group commit --------------------------------------------------------------------------------


def _submission(body: bytes | None = None) -> Submission:
    message = factories.message()
    return Submission(
        world=World.TEST,
        message=wire.SendMessage.model_validate(message),
        body=body or orjson.dumps(message),
    )


def _together(submissions: Sequence[Submission]) -> list[Receipt | BaseException]:
    """The answers to calls that arrive while the first of them is on its way."""

    async def submit() -> list[Receipt | BaseException]:
        publisher = Publisher()
        sends: Coalescer[Submission, Receipt] = Coalescer(
            send.flusher(publisher), Bounds(size=200, waiting_max=1000, timeout_s=30)
        )
        answers = await asyncio.gather(*map(sends.submit, submissions), return_exceptions=True)
        await sends.close()
        publisher.close()
        return answers

    return asyncio.run(submit())


def test_calls_that_come_together_are_one_transaction(pipeline: Pipeline, database: Database) -> None:
    answers = _together([_submission() for _ in range(20)])
    assert all(isinstance(answer, Receipt) for answer in answers)
    assert database.count("message") == 20
    assert database.one("SELECT count(DISTINCT xmin::text) FROM message") == 1


def test_what_cannot_be_stored_does_not_fail_its_neighbours(pipeline: Pipeline, database: Database) -> None:
    answers = _together([_submission(), _submission(rb'{"nul": "\u0000"}'), _submission()])
    assert [isinstance(answer, Receipt) for answer in answers] == [True, False, True]
    assert database.count("message") == database.count("work") == 2


def test_a_refused_request_does_not_fail_those_beside_it(sandbox: Api, database: Database) -> None:
    bodies: list[Any] = [BODY, {"message": {"to": {}}}, BODY, {"message": None}, OTHER, []]
    with ThreadPoolExecutor(len(bodies)) as threads:
        answers = list(threads.map(lambda body: _call(sandbox, body), bodies * 5))
    assert [answer.status_code for answer in answers] == [202, 400, 202, 400, 202, 400] * 5
    assert database.count("message") == 15


def _call(api: Api, body: Any) -> requests.Response:
    return requests.post(f"{api.base_url}/send", json=body, headers=dict(api.session.headers), timeout=30)


def test_more_calls_than_may_wait_are_told_to_come_back() -> None:
    async def flood() -> list[Any]:
        sends: Coalescer[int, int] = Coalescer(
            lambda items: items, Bounds(size=1, waiting_max=2, timeout_s=30)
        )
        answers = await asyncio.gather(*map(sends.submit, range(5)), return_exceptions=True)
        await sends.close()
        return answers

    answers = asyncio.run(flood())
    assert answers[:2] == [0, 1]
    assert [(error.status, error.retry_after_s) for error in answers[2:]] == [(503, 1)] * 3


# --- bad days ------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [{}, {"idempotency_key": "k"}], ids=["no key", "key"])
def test_without_its_database_a_send_is_refused_and_leaves_nothing(
    sandbox: Api, database: Database, key: dict[str, str]
) -> None:
    with database.away():
        answer = sandbox.post("/send", BODY, **key)
    assert (answer.status_code, answer.json()["type"]) == (503, "service_unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert [database.count(table) for table in ("request", "message", "work", "idempotency")] == [0] * 4
    sandbox.accepted(sandbox.post("/send", BODY, **key))


def test_a_batch_that_meets_no_database_is_refused_as_a_whole(
    pipeline: Pipeline, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.away():
        answers: list[Any] = _together([_submission() for _ in range(3)])
    assert [error.status for error in answers] == [503] * 3
    assert database.count("message") == 0
