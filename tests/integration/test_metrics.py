"""/metrics: who may read it, what it counts, in one process and in many, and the state of the queues."""

import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from notify.local import process
from notify.model.work import Stage
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.integration.wakes import wake_workers
from tests.servers import ProviderLab, Reply
from tests.stack import StartWorker

TOKEN = "a-token-of-some-length"
TIMEOUT_S = 60
Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]


def samples(text: str) -> Samples:
    return {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def value(found: Samples, name: str, **labels: str) -> float:
    """The sum of all series that have these labels."""
    wanted = labels.items()
    return sum(number for (key, of), number in found.items() if key == name and wanted <= set(of))


@pytest.fixture
def scrape(api: Api, configured: Configure) -> Callable[[], Samples]:
    configured(metrics_token=TOKEN)

    def read() -> Samples:
        answer = requests.get(
            f"{api.base_url}/metrics", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )
        assert answer.status_code == 200, answer.text
        return samples(answer.text)

    return read


# --- who may read it -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("auth", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer "}, 401),
        ({"Authorization": f"Bearer {TOKEN}x"}, 401),
        ({"Authorization": "Basic bm9ib2R5"}, 401),
        ({"Authorization": "Basic %%%"}, 401),
        ({"Authorization": f"Bearer {TOKEN}"}, 200),
    ],
)
def test_it_asks_for_the_token(api: Api, configured: Configure, auth: dict[str, str], status: int) -> None:
    configured(metrics_token=TOKEN)
    assert requests.get(f"{api.base_url}/metrics", headers=auth, timeout=10).status_code == status


def test_prometheus_may_say_the_token_as_a_basic_password(api: Api, configured: Configure) -> None:
    configured(metrics_token=TOKEN)
    assert requests.get(f"{api.base_url}/metrics", auth=("prometheus", TOKEN), timeout=10).ok


def test_without_a_token_it_is_closed_even_to_api_keys(api: Api) -> None:
    assert api.get("/metrics").status_code == 401
    assert requests.get(f"{api.base_url}/metrics", auth=("", ""), timeout=10).status_code == 401


# --- what is counted -----------------------------------------------------------------------------


def test_a_send_is_counted_all_the_way(
    api: Api, pipeline: Pipeline, lab: ProviderLab, scrape: Callable[[], Samples]
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    before = scrape()
    api.send()
    pipeline.drain()
    after = scrape()

    def more(name: str, **labels: str) -> float:
        return value(after, name, **labels) - value(before, name, **labels)

    assert more("notify_accepted_total", world="production") == 1
    assert more("notify_http_requests_total", method="POST", route="/send", status="202") == 1
    for stage in ("accept", "render", "route", "deliver"):
        assert more("notify_batch_size_sum", stage=stage) == 1, stage
    assert more("notify_outcomes_total", provider="sendgrid", channel="email", outcome="accepted") == 1
    assert more("notify_provider_call_seconds_count", provider="sendgrid") == 1
    assert more("notify_send_seconds_count", channel="email", lane="single") == 1
    assert more("notify_statuses_total", status="SENT") == 1


def test_what_goes_wrong_is_counted_by_its_kind(
    api: Api, pipeline: Pipeline, lab: ProviderLab, scrape: Callable[[], Samples]
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    before = scrape()
    with lab.always(Reply(status=500)):
        api.send()
        pipeline.drain()
    with lab.always(Reply(status=401)):
        api.send()
        pipeline.drain()
    after = scrape()
    for outcome in ("transient", "permanent_provider"):
        labels = {"provider": "sendgrid", "outcome": outcome, "world": "production"}
        more = value(after, "notify_outcomes_total", **labels) - value(
            before, "notify_outcomes_total", **labels
        )
        assert more == 1, outcome


def test_labels_hold_no_ids_and_no_paths(
    api: Api, pipeline: Pipeline, lab: ProviderLab, scrape: Callable[[], Samples]
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab), alias="marked-alias")
    id_ = api.send(to={"email": "marked@example.com"})
    pipeline.drain()
    api.message(id_)
    api.get("/no/such/marked/path")
    api.call("BREW", "/messages")
    found = {label for _, labels in scrape() for label in labels}
    assert ("route", "/messages/{message_id}") in found
    assert ("route", "none") in found
    assert [label for label in found if "marked" in label[1] or id_ in label[1] or "BREW" in label[1]] == []


# --- what is read at the scrape ------------------------------------------------------------------


def test_the_queues_are_read_from_the_database(
    api: Api, pipeline: Pipeline, time: Time, scrape: Callable[[], Samples], database: Database
) -> None:
    api.send(delay={"duration": 10_000})
    api.send(delay={"duration": 10_000})
    api.send(delay={"duration": 3_600_000})
    pipeline.step(Stage.RENDER)
    api.send()
    database("UPDATE work SET due_at = now() - interval '90 seconds' WHERE stage = 'route' AND NOT parked")
    found = scrape()
    depth = {"name": "notify_queue_depth", "channel": "", "lane": "single"}
    assert value(found, **depth, stage="render", state="ready") == 1
    assert value(found, **depth, stage="route", state="ready") == 2
    assert value(found, **depth, stage="route", state="parked") == 1
    assert 90 <= value(found, "notify_queue_oldest_seconds", stage="route") < 150
    # Nobody is at work on them: it is for the reconciler to see to it.
    assert 90 <= value(found, "notify_reconciler_lag_seconds") < 150
    assert value(found, "notify_database_up") == 1
    assert value(found, "notify_partitions_ahead_weeks", table="message") > 7


def test_work_under_way_is_held_and_then_lost(
    api: Api, pipeline: Pipeline, scrape: Callable[[], Samples], database: Database
) -> None:
    api.send()
    database("UPDATE work SET lease_until = now() + interval '1 minute', due_at = now() - interval '1 hour'")
    found = scrape()
    assert value(found, "notify_queue_depth", stage="render", state="held") == 1
    assert value(found, "notify_reconciler_lag_seconds") == 0
    database("UPDATE work SET lease_until = now() - interval '1 minute'")
    found = scrape()
    assert value(found, "notify_queue_depth", stage="render", state="lost") == 1
    assert 60 <= value(found, "notify_reconciler_lag_seconds") < 120


def test_parked_work_that_nobody_dispatches_shows_as_lag(
    api: Api, pipeline: Pipeline, scrape: Callable[[], Samples], database: Database
) -> None:
    api.send(delay={"duration": 3_600_000})
    pipeline.drain()
    assert value(scrape(), "notify_dispatcher_lag_seconds") == 0
    database("UPDATE work SET due_at = now() - interval '1 minute'")
    assert 60 <= value(scrape(), "notify_dispatcher_lag_seconds") < 120
    pipeline.dispatch()
    assert value(scrape(), "notify_dispatcher_lag_seconds") == 0


def test_an_open_circuit_and_a_busy_line_show(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure, scrape: Callable[[], Samples]
) -> None:
    configured(breaker_threshold=1, metrics_token=TOKEN)
    api.configure("sendgrid", {**factories.sendgrid(lab), "rate_limit": {"rate": 6, "period": "minute"}})
    assert value(scrape(), "notify_circuits_open", provider="sendgrid") == 0
    with lab.always(Reply(status=500)):
        api.send()
        pipeline.drain()
    found = scrape()
    assert value(found, "notify_circuits_open", provider="sendgrid", world="production") == 1
    assert 0 < value(found, "notify_rate_limit_ahead_seconds", provider="sendgrid") <= 10


def test_without_the_database_the_counts_are_still_told(
    api: Api, database: Database, scrape: Callable[[], Samples]
) -> None:
    with database.away():
        found = scrape()
    assert value(found, "notify_database_up") == 0
    assert value(found, "notify_http_requests_total") > 0
    assert not any(name == "notify_queue_depth" for name, _ in found)


# --- many processes ------------------------------------------------------------------------------


def test_a_worker_serves_what_its_pool_has_counted_and_a_killed_child_loses_nothing(
    api: Api, start_worker: StartWorker, database: Database
) -> None:
    port = process.free_port()
    worker = start_worker(
        "render",
        concurrency=1,
        NOTIFY_METRICS_PORT=str(port),
        NOTIFY_METRICS_TOKEN=TOKEN,
    )
    url = f"http://127.0.0.1:{port}/metrics"
    assert requests.get(url, timeout=10).status_code == 401

    def rendered() -> float:
        answer = requests.get(url, headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
        return value(samples(answer.text), "notify_batch_size_sum", stage="render")

    def comes_to(number: float) -> bool:
        return process.wait_until(lambda: rendered() == number, TIMEOUT_S)

    api.send()
    wake_workers(Stage.RENDER)
    assert comes_to(1)
    assert process.wait_until(lambda: {row["stage"] for row in database.work()} <= {"deliver"}, TIMEOUT_S)
    killed = _children(worker.pid)
    for child in killed:
        os.kill(child, signal.SIGKILL)
    assert process.wait_until(lambda: bool(_children(worker.pid) - killed), TIMEOUT_S)
    api.send()
    # The pool may have given the first one to whom it did not yet know to be dead.
    woken = lambda: wake_workers(Stage.RENDER) or rendered() == 2  # noqa: E731
    assert process.wait_until(woken, TIMEOUT_S, every_s=0.5), worker.log.read_text()
    assert worker.popen.poll() is None


def _children(pid: int) -> set[int]:
    return {
        int(child)
        for task in Path(f"/proc/{pid}/task").glob("*/children")
        for child in task.read_text().split()
    }
