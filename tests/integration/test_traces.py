"""Traces: from the request through every stage to the provider's call, over a real exporter and collector."""

from collections.abc import Iterator

import pytest
import requests

from notify import ids, tracing
from notify.local import process
from notify.manage import keys
from notify.model.names import World
from notify.model.scopes import KeyScope
from notify.model.work import Stage
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Pipeline
from tests.integration.wakes import wake_workers
from tests.servers import ProviderLab, Reply
from tests.servers.collector import Collector, Seen, collecting
from tests.stack import StartWorker

TIMEOUT_S = 60
CALLER_TRACE, CALLER_SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    """Where this process's spans go."""
    with collecting() as one:
        monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", one.url)
        yield one
        tracing.stop()


@pytest.fixture
def traced(collector: Collector) -> Collector:
    tracing.start("otlp")
    return collector


def _trace_of(id_: str) -> str:
    message_id = ids.from_wire(id_)
    assert message_id
    return f"{tracing.trace_id_of(message_id):032x}"


def _drained(pipeline: Pipeline) -> None:
    pipeline.drain()
    tracing.stop()  # exports what is waiting


def test_a_send_is_one_trace_from_its_acceptance_to_the_call(
    api: Api, pipeline: Pipeline, lab: ProviderLab, traced: Collector
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    id_ = api.send(to={"email": "marked@example.com"})
    _drained(pipeline)

    accept, render, route = (traced.one(name) for name in ("accept", "render", "route"))
    deliver, call = traced.one("deliver"), traced.one("call sendgrid")
    own = (accept, render, route, deliver, call)
    assert {span.trace_id for span in own} == {_trace_of(id_)}
    assert accept.parent_id == ""
    assert {render.parent_id, route.parent_id, deliver.parent_id} == {accept.span_id}
    assert call.parent_id == deliver.span_id
    assert deliver.attributes["notify.message_id"] == id_
    assert deliver.attributes["notify.channel"] == "email"
    assert call.attributes["http.response.status_code"] == 202
    assert call.attributes["server.address"] == "127.0.0.1"
    assert "marked" not in str(traced.spans)


def test_the_callers_trace_leads_to_the_messages_and_back(
    api: Api, pipeline: Pipeline, traced: Collector
) -> None:
    body = {"message": factories.message()}
    api.accepted(api.post("/send", body, traceparent=f"00-{CALLER_TRACE}-{CALLER_SPAN}-01"))
    _drained(pipeline)
    request, accept = traced.one("POST /send"), traced.one("accept")
    assert (request.trace_id, request.parent_id) == (CALLER_TRACE, CALLER_SPAN)
    assert request.links == {accept.span_id}
    assert accept.links == {request.span_id}


def test_a_key_in_the_path_is_in_no_span(api: Api, base_url: str, traced: Collector) -> None:
    token = keys.create(World.TEST, "shop", scopes={KeyScope.INBOUND})
    assert requests.post(f"{base_url}/inbound/webhook/{token}", json={}, timeout=30).status_code == 202
    tracing.stop()
    assert traced.one("POST /inbound/webhook/{token}")
    assert token not in str(traced.spans)


def test_a_retry_is_a_step_of_its_own(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure, traced: Collector
) -> None:
    configured(retry_waits_s="0")
    api.configure("sendgrid", factories.sendgrid(lab))
    lab.script(Reply(status=500))
    api.send()
    for _ in range(3):
        pipeline.drain()
        pipeline.reconcile()
    tracing.stop()
    tries = traced.named("deliver")
    assert [span.attributes["notify.attempt"] for span in tries] == [1, 2]
    failed = {span.parent_id: span.failed for span in traced.named("call sendgrid")}
    assert [failed[span.span_id] for span in tries] == [True, False]


def test_every_message_of_a_fan_out_has_a_trace_that_leads_back(
    api: Api, pipeline: Pipeline, traced: Collector
) -> None:
    api.send(to=[{"email": f"user-{number}@example.com"} for number in range(3)])
    _drained(pipeline)
    expand = traced.one("expand")
    request = next(span for span in traced.named("accept") if span.trace_id == expand.trace_id)
    others = [span for span in traced.named("accept") if span is not request]
    assert len({span.trace_id for span in others}) == 3
    assert {link for span in others for link in span.links} == {request.span_id}
    assert {span.trace_id for span in traced.named("render")} == {span.trace_id for span in others}


def test_providers_hear_of_the_trace_only_if_a_setting_says_so(
    api: Api, pipeline: Pipeline, lab: ProviderLab, configured: Configure, traced: Collector
) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    api.send()
    pipeline.drain()
    configured(trace_providers=True)
    id_ = api.send()
    _drained(pipeline)
    silent, told = lab.of("sendgrid")
    assert "traceparent" not in silent.headers
    span = next(span for span in traced.named("call sendgrid") if span.trace_id == _trace_of(id_))
    assert told.headers["traceparent"] == f"00-{span.trace_id}-{span.span_id}-01"


@pytest.mark.parametrize(("ratio", "low", "high"), [("0", 0, 0), ("0.5", 5, 35), ("1", 40, 40)])
def test_the_sampler_takes_or_leaves_whole_messages(
    api: Api,
    pipeline: Pipeline,
    collector: Collector,
    monkeypatch: pytest.MonkeyPatch,
    ratio: str,
    low: int,
    high: int,
) -> None:
    monkeypatch.setenv("OTEL_TRACES_SAMPLER", "parentbased_traceidratio")
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", ratio)
    tracing.start("otlp")
    wanted = {_trace_of(api.send()) for _ in range(40)}
    _drained(pipeline)
    found = {name: _traces(collector.named(name)) & wanted for name in ("accept", "render", "route")}
    assert low <= len(found["accept"]) <= high
    assert found["accept"] == found["render"] == found["route"]


def _traces(spans: list[Seen]) -> set[str]:
    return {span.trace_id for span in spans}


def test_real_workers_join_the_trace_and_link_it_with_their_batches(
    api: Api, start_worker: StartWorker, collector: Collector, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = start_worker(
        "render",
        concurrency=1,
        OTEL_TRACES_EXPORTER="otlp",
        OTEL_EXPORTER_OTLP_ENDPOINT=collector.url,
        OTEL_SERVICE_NAME="notify-render",
        OTEL_BSP_SCHEDULE_DELAY="100",
    )
    id_ = api.send()
    wake_workers(Stage.RENDER)
    rendered = lambda: [s for s in collector.named("render") if s.trace_id == _trace_of(id_)]  # noqa: E731
    assert process.wait_until(lambda: rendered() and collector.named("task render"), TIMEOUT_S), (
        worker.log.read_text()
    )
    (step,) = rendered()
    batch = next(span for span in collector.named("task render") if step.span_id in span.links)
    assert step.links == {batch.span_id}
    assert batch.trace_id != step.trace_id
    assert {step.service, batch.service} == {"notify-render"}


def test_nothing_is_traced_unless_asked_for(api: Api, pipeline: Pipeline, collector: Collector) -> None:
    api.send()
    pipeline.drain()
    assert not tracing.is_on()
    assert collector.spans == []
