"""The canary comes through every stage, channel and lane, bothers nobody, and says where it is stuck."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from notify.cli import app
from notify.manage import canary as manage
from notify.manage import check_processes, gauges, health, status
from notify.manage.findings import Level
from notify.model.names import Channel, Lane
from notify.model.work import Stage
from notify.pipeline import canary
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import ProviderLab


def test_it_comes_through_every_place_and_no_list_shows_it(
    sandbox: Api, pipeline: Pipeline, time: Time, database: Database, lab: ProviderLab
) -> None:
    sandbox.configure("twilio", factories.twilio(lab))
    pipeline.publish(canary.send())
    seen: set[tuple[Any, ...]] = set()
    while pipeline.waiting:
        wake = pipeline.waiting.pop(0)
        if wake.at:
            time.passes(seconds=2)
        if pipeline.run(wake):
            seen.add((wake.place.lane, wake.place.stage, wake.place.channel))
    stages = [(Stage.EXPAND, None), (Stage.RENDER, None), (Stage.ROUTE, None)]
    stages += [(Stage.DELIVER, channel) for channel in Channel]
    assert {(lane, *stage) for lane in Lane for stage in stages} <= seen
    assert manage.look()
    assert [(song.lane, song.ok) for song in manage.last()] == [(lane, True) for lane in Lane]
    assert sandbox.messages() == []
    assert not lab.requests
    assert database.work() == []


def test_one_at_a_time(configured: Configure, pipeline: Pipeline) -> None:
    assert len(canary.run()) == len(Lane)
    assert canary.run() == ()


def test_it_says_where_it_is_stuck_and_leaves_nothing_behind(
    pipeline: Pipeline, time: Time, database: Database, configured: Configure
) -> None:
    configured(canary_every_s=60)
    pipeline.publish(canary.send())
    for lane in Lane:
        pipeline.step(Stage.EXPAND, lane=lane)
        pipeline.step(Stage.RENDER, lane=lane)
        time.passes(seconds=2)
        pipeline.step(Stage.ROUTE, lane=lane)
    pipeline.step(Stage.DELIVER, Channel.EMAIL)
    assert not manage.look()
    database("UPDATE heartbeat SET at = at - interval '61 seconds'")
    assert manage.look()
    single = next(song for song in manage.last() if song.lane is Lane.SINGLE)
    assert not single.ok
    assert single.succeeded_s is None
    assert "deliver.sms" in (single.problem or "")
    assert "deliver.email" not in (single.problem or "")
    assert {one.level for one in check_processes.last_canary()} == {Level.FAIL}
    assert database.work() == []


def test_one_that_no_longer_comes_is_late(
    pipeline: Pipeline, time: Time, database: Database, configured: Configure, tmp_path: Path
) -> None:
    configured(canary_every_s=60, canary_deadline_s=60)
    pipeline.publish(canary.send())
    pipeline.drain()
    time.passes(seconds=2)
    pipeline.drain()
    assert manage.look()
    assert {one.level for one in check_processes.last_canary()} == {Level.OK}
    assert _up() == dict.fromkeys(Lane, 1.0)
    database("UPDATE heartbeat SET at = at - interval '5 minutes'")
    found = [one for one in check_processes.last_canary() if one.level is Level.WARN]
    assert len(found) == len(Lane)
    assert all("every 60 s" in one.text and "beat" in (one.fix or "") for one in found)
    shown = CliRunner().invoke(app, ["status", "--once", "--data-dir", str(tmp_path)])
    assert "late: 30" in " ".join(shown.output.split())
    assert _up() == dict.fromkeys(Lane, 0.0)


def test_a_failed_one_shows_in_the_metrics_and_leaves_the_api_ready(
    pipeline: Pipeline, database: Database, configured: Configure
) -> None:
    pipeline.publish(canary.send())
    database("UPDATE heartbeat SET at = at - interval '61 seconds'")
    assert manage.look()
    assert _up() == dict.fromkeys(Lane, 0.0)
    assert health.problems() == []


def _up() -> dict[str, float]:
    (family,) = (one for one in gauges.Gauges().collect() if one.name == "notify_canary_up")
    return {sample.labels["lane"]: sample.value for sample in family.samples}


def test_the_command_waits_for_it(
    pipeline: Pipeline, configured: Configure, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = manage.look

    def worked() -> bool:
        pipeline.drain()
        return look()

    monkeypatch.setattr(manage, "look", worked)
    done = CliRunner().invoke(app, ["canary", "--json", "--data-dir", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert {song["lane"] for song in json.loads(done.stdout)} == set(Lane)


def test_status_shows_what_waits_what_is_paused_and_what_failed(
    api: Api, pipeline: Pipeline, database: Database, lab: ProviderLab, tmp_path: Path
) -> None:
    limited = {**factories.sendgrid(lab), "rate_limit": {"rate": 5, "period": "second"}}
    api.configure("sendgrid", limited, alias="main")
    api.send()
    failed = api.send(to={"phone_number": factories.PHONE}, routing={"method": "all", "channels": ["sms"]})
    pipeline.drain()
    api.post("/pauses", {"kind": "channel", "key": "email", "reason": "a test"})
    api.send()
    pipeline.drain()
    api.send()
    found = status.snapshot()
    lines = {line.name: line for line in found.lines}
    assert lines["render"].depth["ready"] == 1
    assert lines["deliver.email"].depth["paused"] == 1
    (main,) = (one for one in found.providers if one.name == "main")
    assert (main.circuit_open, main.limit, main.outcomes) == (False, "5/second", {"sent": 1, "active": 1})
    assert [(one.what, one.held, one.reason) for one in found.pauses] == [("channel email", 1, "a test")]
    assert [one.id for one in found.failures] == [failed]
    assert found.accepted_per_s > 0
    shown = CliRunner().invoke(app, ["status", "--once", "--data-dir", str(tmp_path)])
    assert shown.exit_code == 0, shown.output
    assert "PAUSED channel email" in shown.output
    told = CliRunner().invoke(app, ["status", "--json", "--data-dir", str(tmp_path)])
    assert json.loads(told.stdout)["pauses"][0]["held"] == 1
