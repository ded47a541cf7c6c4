"""Cancel, resend and archive: every row of their table in the delivery rules, and the races around cancel."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from typing import Any

import pytest
import requests

from notify.local import process
from notify.manage import keys
from notify.model.names import Lane, World
from notify.model.work import Claim, Place, Stage, Wake
from notify.pipeline import cancel
from notify.pipeline.claims import kept
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time, row_ids
from tests.servers import ProviderLab, Reply
from tests.stack import StartWorker

BOTH = {"email": factories.ADA, "phone_number": factories.PHONE}
DOWN = Reply(status=503)
MANY = 200
WORKER_QUEUES = ("render", "route", "deliver.email")


@pytest.fixture
def email(api: Api, lab: ProviderLab) -> str:
    """The id of a configured SendGrid."""
    return api.configure("sendgrid", factories.sendgrid(lab))


def _cancel(api: Api, id_: str) -> tuple[int, str]:
    """The answer's status and the message's."""
    answer = api.post(f"/messages/{id_}/cancel")
    return answer.status_code, answer.json()["status"]


# --- cancel: 200 while it waits ------------------------------------------------------------------


def _enqueued(pipeline: Pipeline, lab: ProviderLab) -> None:
    """Nothing has been done with it yet."""


def _rendered(pipeline: Pipeline, lab: ProviderLab) -> None:
    pipeline.step(Stage.RENDER)


def _routed(pipeline: Pipeline, lab: ProviderLab) -> None:
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)


def _between_retries(pipeline: Pipeline, lab: ProviderLab) -> None:
    lab.script(DOWN)
    pipeline.drain()


@pytest.mark.usefixtures("email")
@pytest.mark.parametrize("moment", [_enqueued, _rendered, _routed, _between_retries])
def test_a_message_that_waits_is_canceled(
    api: Api,
    pipeline: Pipeline,
    database: Database,
    time: Time,
    lab: ProviderLab,
    moment: Callable[[Pipeline, ProviderLab], None],
) -> None:
    id_ = api.send()
    moment(pipeline, lab)
    called = len(lab.requests)
    answer = api.post(f"/messages/{id_}/cancel")
    found = answer.json()
    assert (answer.status_code, found["status"]) == (200, "CANCELED")
    assert found["enqueued"] <= found["canceledAt"]
    assert (found, database.work()) == (api.message(id_), [])
    time.passes(seconds=3600)
    pipeline.drain()
    assert (len(lab.requests), api.message(id_)) == (called, found)
    assert api.happened(id_)[-1] == "CANCELED"


@pytest.mark.usefixtures("email")
def test_a_delayed_message_is_canceled(
    api: Api, pipeline: Pipeline, time: Time, lab: ProviderLab, database: Database
) -> None:
    id_ = api.send(delay={"duration": 86_400_000})
    pipeline.drain()
    assert api.message(id_)["status"] == "DELAYED"
    assert _cancel(api, id_) == (200, "CANCELED")
    time.passes(seconds=90_000)
    pipeline.dispatch()
    pipeline.drain()
    assert (len(lab.requests), database.work()) == (0, [])


@pytest.mark.usefixtures("email")
def test_what_waits_for_its_next_provider_is_canceled_with_it(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab
) -> None:
    api.configure("twilio", factories.twilio(lab))
    id_ = api.send(to=BOTH, routing={"method": "all", "channels": ["email", "sms"]})
    lab.script(DOWN, DOWN)
    pipeline.drain()
    assert _cancel(api, id_) == (200, "CANCELED")
    assert {row["state"] for row in database("SELECT state FROM delivery")} == {"canceled"}


# --- cancel: 409 with the unchanged record -------------------------------------------------------


def test_what_is_over_is_not_canceled(
    api: Api, pipeline: Pipeline, email: str, lab: ProviderLab, configured: Configure
) -> None:
    configured(allowed_networks="127.0.0.0/8")
    ids = {
        "SENT": api.send(),
        "DELIVERED": api.send(to={"webhook": {"url": f"{lab.url}/hook/open"}}),
        "UNROUTABLE": api.send(to={"user_id": "nobody"}),
        "UNMAPPED": api.send(template="nt_missing"),
        "UNDELIVERABLE": api.send(to={"email": "fail@example.com"}),
        "FILTERED": api.send(
            routing={"method": "single", "channels": [{"channel": "email", "if": "data.never"}]}
        ),
    }
    pipeline.drain()
    for status, id_ in ids.items():
        before = api.message(id_)
        answer = api.post(f"/messages/{id_}/cancel")
        assert (answer.status_code, answer.json()["status"]) == (409, status)
        assert answer.json() == before == api.message(id_)
        assert answer.headers["x-should-retry"] == "false"


def test_a_canceled_message_is_canceled_once(api: Api, email: str) -> None:
    id_ = api.send()
    assert _cancel(api, id_) == (200, "CANCELED")
    first = api.message(id_)
    assert _cancel(api, id_) == (409, "CANCELED")
    assert (api.message(id_), api.happened(id_)) == (first, ["ENQUEUED", "CANCELED"])


def test_a_repeat_under_an_idempotency_key_gets_the_first_answer(api: Api) -> None:
    id_ = api.send()
    answers = [api.post(f"/messages/{id_}/cancel", idempotency_key="k") for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()


@pytest.mark.parametrize("id_", ["nonsense", "1-00000000-000000000000000000000000"])
def test_an_unknown_message(api: Api, id_: str) -> None:
    for call in ("cancel", "resend"):
        answer = api.post(f"/messages/{id_}/{call}")
        assert (answer.status_code, answer.json()["type"]) == (404, "not_found")


def test_a_message_of_the_other_world_is_unknown(api: Api, sandbox: Api) -> None:
    id_ = sandbox.send()
    answers = [
        api.post(f"/messages/{id_}/cancel"),
        api.post(f"/messages/{id_}/resend"),
        api.put(f"/requests/{id_}/archive", None),
    ]
    assert [answer.status_code for answer in answers] == [404, 404, 404]
    assert sandbox.message(id_)["status"] == "ENQUEUED"


# --- cancel, against what is under way -----------------------------------------------------------


@pytest.mark.usefixtures("email")
def test_a_message_is_not_canceled_while_its_provider_is_called(
    api: Api, pipeline: Pipeline, lab: ProviderLab
) -> None:
    id_ = api.send()
    lab.script(Reply(status=202, delay_s=0.5))
    with ThreadPoolExecutor(1) as thread:
        sending = thread.submit(pipeline.drain)
        assert process.wait_until(lambda: bool(lab.requests), timeout_s=60)
        answer = _cancel(api, id_)
        sending.result()
    assert answer == (409, "ROUTED")
    assert api.message(id_)["status"] == "SENT"


@pytest.mark.usefixtures("email")
def test_what_a_dead_worker_may_have_sent_is_not_canceled(
    api: Api, pipeline: Pipeline, database: Database
) -> None:
    id_ = api.send()
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    database("UPDATE work SET lease_until = now() - interval '1 hour'")
    assert _cancel(api, id_) == (409, "ROUTED")


@pytest.mark.usefixtures("email")
@pytest.mark.parametrize("stage", [Stage.RENDER, Stage.ROUTE])
def test_a_stage_that_is_at_work_records_nothing_for_a_canceled_message(
    api: Api, pipeline: Pipeline, database: Database, monkeypatch: pytest.MonkeyPatch, stage: Stage
) -> None:
    # Only what waits comes to route by itself.
    id_ = api.send(**({"delay": {"duration": 60_000}} if stage is Stage.ROUTE else {}))
    if stage is Stage.ROUTE:
        pipeline.step(Stage.RENDER)
        database("UPDATE work SET due_at = now(), parked = false")
    (uuid,) = row_ids(id_)

    def between(claims: Sequence[Claim]) -> AbstractContextManager[None]:
        # The stage begins to work: its claim is made, nothing is recorded yet.
        assert cancel.run(uuid)
        return kept(claims)

    row = database.work()[0]
    monkeypatch.setattr(f"notify.pipeline.{stage}.kept", between)
    pipeline.run(Wake(place=Place(stage=stage, lane=Lane.SINGLE), ids=(row["id"],)))
    assert (database.work(), api.message(id_)["status"]) == ([], "CANCELED")
    assert database.count("delivery") == 0
    assert api.happened(id_)[-1] == "CANCELED"


@pytest.fixture
def real(base_url: str, configured: Configure, lab: ProviderLab) -> Api:
    """The API as it is, publishing to the broker."""
    api = Api(base_url, keys.create(World.PRODUCTION, "tests"))
    api.configure("sendgrid", factories.sendgrid(lab))
    return api


def _call(api: Api, path: str, body: Any = None) -> requests.Response:
    """A call of an agent of its own."""
    return requests.post(f"{api.base_url}{path}", json=body, headers=dict(api.session.headers), timeout=60)


def test_two_hundred_cancels_while_workers_send(
    real: Api, database: Database, lab: ProviderLab, start_worker: StartWorker
) -> None:
    """Each is either CANCELED and not sent, or 409 and sent: never both, never neither."""
    for _ in range(2):
        start_worker(*WORKER_QUEUES, concurrency=1, NOTIFY_BATCH_SIZE="8")

    def agent(number: int) -> tuple[str, int]:
        # From "at once" to "when as many others have been sent": every moment of a message's life,
        # and some still wait for their time, however slow the agents are and fast the workers.
        waits = {"delay": {"duration": 60_000}} if number % 10 == 0 else {}
        content = {"title": str(number), "body": "."}
        message = factories.message(content=content, **waits)
        id_ = real.accepted(_call(real, "/send", {"message": message}))
        process.wait_until(lambda: lab.count >= number // 4, timeout_s=10)
        return id_, _call(real, f"/messages/{id_}/cancel").status_code

    with lab.always(Reply(status=202, delay_s=0.05)), ThreadPoolExecutor(MANY) as agents:
        answers = list(agents.map(agent, range(MANY)))
        assert process.wait_until(lambda: not database.work(), timeout_s=60)
    sent = [int(request.json()["subject"]) for request in lab.of("sendgrid")]
    ended = [(code, real.message(id_)["status"], sent.count(n)) for n, (id_, code) in enumerate(answers)]
    assert set(ended) == {(200, "CANCELED", 0), (409, "SENT", 1)}


# --- resend --------------------------------------------------------------------------------------


def _resend(api: Api, id_: str, **headers: str) -> str:
    answer = api.post(f"/messages/{id_}/resend", **headers)
    assert (answer.status_code, list(answer.json())) == (202, ["messageId"])
    return str(answer.json()["messageId"])


@pytest.mark.usefixtures("email")
def test_a_message_is_sent_again_as_a_new_one(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    metadata = {"event": "signup", "tags": ["new"], "trace_id": "t-1"}
    template = api.template(factories.blocks(email=("Welcome {{name}}", "Good.")))
    routing = {"method": "single", "channels": ["email"]}
    first = api.send(template=template, data={"name": "Ada"}, metadata=metadata, routing=routing)
    pipeline.drain()
    before = api.message(first), api.history(first)
    second = _resend(api, first)
    assert api.message(second)["status"] == "ENQUEUED"
    pipeline.drain()
    assert (api.message(first), api.history(first)) == before
    again = api.message(second)
    assert second not in (first, again["traceId"])
    assert [again[k] for k in ("status", "event", "tags", "traceId")] == ["SENT", "signup", ["new"], "t-1"]
    bodies = [request.json() for request in lab.of("sendgrid")]
    assert [(body["subject"], body["personalizations"][0]["to"]) for body in bodies] == [
        ("Welcome Ada", [{"email": factories.ADA}])
    ] * 2


def test_one_message_of_many_is_sent_again_to_its_own_recipient(sandbox: Api, pipeline: Pipeline) -> None:
    request_id = sandbox.send(
        to=[
            {"email": f"{name}@example.com", "user_id": name, "data": {"n": name}} for name in ("ada", "eve")
        ],
        content={"title": "{{n}}", "body": "."},
    )
    pipeline.drain()
    (eve,) = sandbox.messages(recipient="eve")
    second = _resend(sandbox, eve["id"])
    pipeline.drain()
    found = sandbox.message(second)
    assert (found["recipient"], found["status"], found["requestId"]) == ("eve", "SENT", second)
    assert sandbox.output(second, "email")["subject"] == "eve"
    assert len(sandbox.messages(traceId=request_id)) == 2


def test_a_resend_under_an_idempotency_key_is_one_message(sandbox: Api, database: Database) -> None:
    id_ = sandbox.send()
    assert _resend(sandbox, id_, idempotency_key="k") == _resend(sandbox, id_, idempotency_key="k")
    assert database.count("message") == 2


@pytest.mark.parametrize("how", ["canceled", "failed"])
def test_what_was_not_sent_can_be_sent_again(
    api: Api, pipeline: Pipeline, lab: ProviderLab, how: str
) -> None:
    id_ = api.send()
    if how == "canceled":
        assert _cancel(api, id_) == (200, "CANCELED")
    pipeline.drain()
    assert api.message(id_)["status"] in {"CANCELED", "UNROUTABLE"}
    api.configure("sendgrid", factories.sendgrid(lab))
    second = _resend(api, id_)
    pipeline.drain()
    assert api.message(second)["status"] == "SENT"


def test_a_resend_does_not_wait_again(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send(delay={"duration": 3_600_000})
    second = _resend(sandbox, id_)
    pipeline.drain()
    assert [sandbox.message(each)["status"] for each in (id_, second)] == ["DELAYED", "SENT"]


# --- archive -------------------------------------------------------------------------------------


def _archive(api: Api, id_: str) -> None:
    answer = api.call("PUT", f"/requests/{id_}/archive")
    assert (answer.status_code, answer.content) == (202, b"")


@pytest.mark.parametrize("count", [None, 1, 3])
def test_an_archived_request_is_hidden_from_lists_only(
    sandbox: Api, pipeline: Pipeline, count: int | None
) -> None:
    other = sandbox.send(metadata={"event": "e"})
    to = {"user_id": "ada"} if count is None else [{"user_id": f"user-{n}"} for n in range(count)]
    request_id = sandbox.send(to=to, metadata={"event": "e"})
    pipeline.drain()
    shown = {message["id"] for message in sandbox.messages(event="e")}
    _archive(sandbox, request_id)
    assert [message["id"] for message in sandbox.messages(event="e")] == [other]
    assert {message["id"] for message in sandbox.messages(event="e", archived=True)} == shown
    assert {sandbox.message(id_)["requestId"] for id_ in shown - {other}} == {request_id}
    _archive(sandbox, request_id)
    assert len(shown) == 1 + (count or 1)


def test_what_is_still_to_be_made_of_an_archived_request_is_archived(
    sandbox: Api, pipeline: Pipeline
) -> None:
    request_id = sandbox.send(to=[{"user_id": "ada"}, {"user_id": "eve"}])
    _archive(sandbox, request_id)
    pipeline.drain()
    assert sandbox.messages() == []
    assert len(sandbox.messages(archived=True)) == 2


def test_an_archived_message_still_goes_out(
    api: Api, pipeline: Pipeline, email: str, lab: ProviderLab
) -> None:
    id_ = api.send()
    _archive(api, id_)
    pipeline.drain()
    assert (api.message(id_)["status"], len(lab.requests)) == ("SENT", 1)


@pytest.mark.parametrize("id_", ["nonsense", "1-00000000-000000000000000000000000"])
def test_an_unknown_request(api: Api, id_: str) -> None:
    answer = api.put(f"/requests/{id_}/archive", None)
    assert (answer.status_code, answer.json()["type"]) == (404, "not_found")
