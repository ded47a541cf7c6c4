"""Calls under way in one task: a slow answer holds up nobody, and single sends go before a broadcast."""

import pytest

from notify.model.names import Channel, Lane
from notify.model.work import Place, Stage, Wake
from notify.pipeline import deliver
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline
from tests.servers import ProviderLab, Reply


@pytest.fixture(autouse=True)
def sendgrid(api: Api, lab: ProviderLab) -> str:
    return api.configure("sendgrid", factories.sendgrid(lab))


def _routed(api: Api, pipeline: Pipeline, count: int) -> list[str]:
    ids = [api.send() for _ in range(count)]
    pipeline.step(Stage.RENDER)
    pipeline.step(Stage.ROUTE)
    return ids


def _expanded(pipeline: Pipeline) -> None:
    pipeline.step(Stage.EXPAND)
    for stage in (Stage.RENDER, Stage.ROUTE):
        while pipeline.step(stage, lane=Lane.BULK):
            pass


def test_more_is_taken_while_a_provider_is_slow(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab, database: Database
) -> None:
    _routed(api, pipeline, 3)
    configured(batch_size=1)
    lab.script(Reply(status=202, delay_s=2.0))
    assert pipeline.step(Stage.DELIVER, Channel.EMAIL) == 3
    answered = [request.json()["subject"] for request in lab.requests]
    assert len(answered) == 3
    sent = database("SELECT message_id FROM delivery ORDER BY sent_at")
    called = database("SELECT message_id FROM delivery ORDER BY started_at, id")
    assert sent[-1] == called[0]


def test_no_more_calls_are_under_way_than_the_setting_allows(
    api: Api, pipeline: Pipeline, configured: Configure
) -> None:
    ids = _routed(api, pipeline, 7)
    configured(batch_size=4, http_concurrency=2)
    assert pipeline.step(Stage.DELIVER, Channel.EMAIL) == 7
    assert {api.message(id_)["status"] for id_ in ids} == {"SENT"}


def _many(api: Api, pipeline: Pipeline, configured: Configure, count: int) -> None:
    configured(bulk_above=2, batch_size=2)
    api.send(to=[{"email": f"many-{number}@example.com"} for number in range(count)])
    _expanded(pipeline)


def test_a_broadcast_lets_single_sends_go_first(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab
) -> None:
    _many(api, pipeline, configured, 6)
    single = _routed(api, pipeline, 1)[0]
    assert pipeline.step(Stage.DELIVER, Channel.EMAIL, Lane.BULK) == 7
    assert api.message(single)["status"] == "SENT"
    assert sum(b"many-" in request.body for request in list(lab.requests)[:2]) == 1


def test_what_killed_a_worker_flies_alone(
    api: Api, pipeline: Pipeline, configured: Configure, lab: ProviderLab, database: Database
) -> None:
    _many(api, pipeline, configured, 3)
    _routed(api, pipeline, 1)
    (suspect,) = database(
        "UPDATE work SET lost = 1, lease_until = now() - interval '1 minute' "
        "WHERE id = (SELECT id FROM work WHERE lane = 'bulk' ORDER BY id DESC LIMIT 1) RETURNING id"
    )
    lab.script(Reply(status=202, delay_s=1.0), Reply(status=202, delay_s=1.0))
    pipeline.step(Stage.DELIVER, Channel.EMAIL, Lane.BULK)
    rows = database(
        "SELECT d.id, m.lane FROM delivery d JOIN message m ON m.id = message_id ORDER BY d.sent_at"
    )
    assert [row["lane"] for row in rows] == ["single", "bulk", "bulk", "bulk"]
    assert rows[1]["id"] == suspect["id"]


def test_a_worker_for_bulk_alone_leaves_single_sends_to_theirs(
    api: Api, pipeline: Pipeline, configured: Configure
) -> None:
    _many(api, pipeline, configured, 6)
    single = _routed(api, pipeline, 1)[0]
    passes = deliver.run((), Lane.BULK, Channel.EMAIL, singles=False)
    assert sum(done.claimed for done in passes) == 6
    assert api.message(single)["status"] == "ROUTED"


def test_a_process_sends_a_channels_broadcasts_in_one_flight(
    api: Api, pipeline: Pipeline, configured: Configure, database: Database
) -> None:
    """In a pool of threads one channel would take them all; what came beside it is not forgotten."""
    place = Place(stage=Stage.DELIVER, lane=Lane.BULK, channel=Channel.EMAIL)
    _many(api, pipeline, configured, 3)
    first = deliver.run((), place.lane, Channel.EMAIL)
    assert next(first).claimed == 2
    assert list(deliver.run((), place.lane, Channel.EMAIL)) == []
    assert list(deliver.run((), place.lane, Channel.SMS)) != []
    assert Wake(place=place, ids=()) in list(first)[-1].handoff
    assert database.work() == []
    assert list(deliver.run((), place.lane, Channel.EMAIL)) != []
