"""expand: one request to many is a message for each, made once, and each with what is its own."""

from uuid import UUID

import pytest

from notify.model.names import Lane
from notify.model.work import Place, Stage, Wake
from notify.store import db, requests
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, row_ids
from tests.servers import MailLab

EXPAND = Place(stage=Stage.EXPAND, lane=Lane.SINGLE)


def test_everybody_gets_what_is_theirs(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    api.configure("smtp", factories.smtp(mail))
    api.put("/profiles/grace", {"profile": {"email": "grace@example.com", "name": "Grace"}})
    request_id = api.send(
        to=[
            {"email": factories.ADA, "name": "Ada", "data": {"seat": 1}},
            {"user_id": "grace", "data": {"seat": 2}},
            {"email": "alan@example.com"},
        ],
        content={"title": "{{profile.name}} {{seat}} {{row}}", "body": "."},
        data={"seat": 0, "row": "B"},
    )
    pipeline.drain()
    subjects = {sent.recipients[0]: sent.message["subject"].strip() for sent in mail.mails}
    assert subjects == {factories.ADA: "Ada 1 B", "grace@example.com": "Grace 2 B", "alan@example.com": "0 B"}
    assert [message["status"] for message in api.messages(traceId=request_id)] == ["SENT"] * 3


def test_one_recipient_that_fails_leaves_the_others(api: Api, pipeline: Pipeline, mail: MailLab) -> None:
    api.configure("smtp", factories.smtp(mail))
    mail.refuse["rcpt", factories.ADA] = "550 5.1.1 no such user"
    request_id = api.send(
        to=[{"email": factories.ADA}, {"email": "grace@example.com"}, {"user_id": "nobody"}]
    )
    pipeline.drain()
    found = sorted(message["status"] for message in api.messages(traceId=request_id))
    assert found == ["SENT", "UNDELIVERABLE", "UNROUTABLE"]


def test_a_pass_that_runs_again_makes_no_second_message(
    sandbox: Api, pipeline: Pipeline, database: Database
) -> None:
    request_id = sandbox.send(to=[{"user_id": f"user-{number}"} for number in range(3)])
    (wake,) = pipeline.waiting
    database("CREATE TABLE before AS TABLE work")
    pipeline.drain()
    before = {message["id"] for message in sandbox.messages(traceId=request_id)}
    database("INSERT INTO work TABLE before")
    assert pipeline.run(wake) == 1
    pipeline.drain()
    assert {message["id"] for message in sandbox.messages(traceId=request_id)} == before
    assert {sandbox.happened(id_).count("SENT") for id_ in before} == {1}


def test_a_pass_that_was_overtaken_makes_nothing(
    sandbox: Api, pipeline: Pipeline, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    request_id = sandbox.send(to=[{"user_id": "ada"}])
    hold = requests.hold

    def overtaken(tx: db.Tx, id_: UUID) -> object:
        database("UPDATE work SET attempt = attempt + 1")
        return hold(tx, id_)

    with monkeypatch.context() as patch:
        patch.setattr(requests, "hold", overtaken)
        pipeline.drain()
    assert sandbox.messages(traceId=request_id) == []
    assert [(row["id"], row["held"]) for row in database.work()] == [(row_ids(request_id)[0], True)]


def test_a_batch_of_requests_is_bounded_and_goes_on(
    sandbox: Api, pipeline: Pipeline, configured: Configure, database: Database
) -> None:
    sent = [sandbox.send(to=[{"user_id": "ada"}]) for _ in range(12)]
    pipeline.lose_everything()
    claimed = pipeline.run(Wake(place=EXPAND, ids=tuple(row_ids(*sent))))
    assert 0 < claimed < 12
    pipeline.drain()
    assert database.work() == []
    assert len(sandbox.messages(recipient="ada")) == 12
