"""``notify check``: what is wrong is found, and told with what to do about it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from notify import queue
from notify.cli import app
from notify.local import process
from notify.manage import check, check_processes, check_providers, check_servers
from notify.manage.findings import Finding, Level
from notify.store import heartbeats
from tests import factories
from tests.integration.conftest import Configure
from tests.integration.harness import Api, Database, Pipeline, Time
from tests.servers import MailLab, ProviderLab, Reply
from tests.servers.names import NameServer
from tests.servers.vendors import TWILIO_SID
from tests.stack import Servers, StartWorker

WEEK = 7 * 24 * 3600
GOOD = {
    ("example.com", "TXT"): ['"v=spf1 include:sendgrid.net -all"', '"something else"'],
    ("example.com", "MX"): ["10 mail.example.com."],
    ("_dmarc.example.com", "TXT"): ['"v=DMARC1; p=reject"'],
    ("s1._domainkey.example.com", "TXT"): ['"v=DKIM1; k=rsa; " "p=MIIB"'],
}


def _bad(found: Iterator[Finding]) -> list[str]:
    wrong = [one for one in found if one.level is not Level.OK]
    assert all(one.fix for one in wrong)
    return [one.text for one in wrong]


@pytest.fixture
def public(configured: Configure) -> None:
    configured(public_url="https://notify.example.com")


def test_settings_that_go_badly_together(configured: Configure, public: None) -> None:
    assert _bad(check_servers.configuration()) == []
    configured(visibility_timeout_s=20)
    (text,) = _bad(check_servers.configuration())
    assert "comes back after 20 s" in text


def test_a_good_database_is_told_as_such(database: Database) -> None:
    # The test's server runs without what costs time.
    assert _bad(check_servers.database()) == [
        "fsync is off: a crash loses what was accepted",
        "autovacuum is off: the work table grows",
    ]


def test_partitions_that_end_soon(database: Database, time: Time) -> None:
    time.passes(seconds=7 * WEEK)
    found = [one for one in check_servers.database() if one.subject == "partitions"]
    assert [(one.level, one.text[:17]) for one in found] == [(Level.FAIL, "partitions end in")]


def test_a_clock_that_is_off(database: Database, time: Time) -> None:
    time.passes(seconds=60)
    assert any("clock is 60" in text for text in _bad(check_servers.database()))
    assert any("clock is 60" in text for text in _bad(check_servers.broker()))


def test_a_schema_that_is_old(database: Database) -> None:
    database("UPDATE alembic_version SET version_num = '0001'")
    (found,) = [one for one in check_servers.database() if "schema" in one.text]
    assert found.fix == "run `notify migrate`"


def test_a_database_that_is_away(database: Database) -> None:
    with database.away():
        assert len(_bad(check_servers.database())) == 1


def test_a_broker_that_may_drop_queues(configured: Configure, servers: Servers) -> None:
    client = redis.Redis.from_url(servers.broker_url)
    before = client.config_get("maxmemory-policy", "appendonly")
    try:
        client.config_set("maxmemory-policy", "allkeys-lru")
        client.config_set("appendonly", "no")
        texts = _bad(check_servers.broker())
        assert any("allkeys-lru" in text for text in texts)
        assert any("comes back empty" in text for text in texts)
        client.config_set("maxmemory-policy", "noeviction")
        client.config_set("appendonly", "yes")
        assert _bad(check_servers.broker()) == []
    finally:
        for name, value in before.items():
            client.config_set(name, value)
        client.close()


def answered(text: str) -> Finding:
    """What is said of the workers once they have had the time to answer."""
    found: list[Finding] = []

    def said() -> bool:
        found[:] = check_processes.workers(2.0)
        return text in found[0].text

    assert process.wait_until(said, 60), found
    return found[0]


def test_queues_that_nobody_serves(configured: Configure, start_worker: StartWorker) -> None:
    (none,) = check_processes.workers(0.2)
    assert (none.level, none.text) == (Level.FAIL, "none answers")
    start_worker("render,route", concurrency=1)
    some = answered("nobody serves")
    assert "deliver.email.bulk" in some.text
    assert " render," not in some.text
    start_worker(",".join(name for name in queue.names() if name not in {"render", "route"}), concurrency=1)
    assert answered("2 serve every queue").level == Level.OK


def test_a_beat_that_has_stopped(database: Database, pipeline: Pipeline) -> None:
    assert _bad(check_processes.beat()) == ["dispatch has never run"]
    pipeline.dispatch()
    assert _bad(check_processes.beat()) == []
    database("UPDATE heartbeat SET at = at - interval '1 hour' WHERE name = %s", heartbeats.DISPATCH)
    (text,) = _bad(check_processes.beat())
    assert text.startswith("dispatch has not run for 36")


# --- providers -----------------------------------------------------------------------------------


def test_credentials_are_tried_without_sending(
    api: Api, configured: Configure, lab: ProviderLab, mail: MailLab
) -> None:
    api.configure("smtp", factories.smtp(mail))
    api.configure("twilio", factories.twilio(lab))
    account = Reply.json({"sid": TWILIO_SID, "status": "active"})
    with lab.always(account):
        found = list(check_providers.credentials())
    assert {one.subject: one.text for one in found} == {
        "provider smtp (production)": "knows us",
        "provider twilio (production)": "knows us",
    }
    assert [request.method for request in lab.requests] == ["GET"]
    assert not mail.mails


def test_credentials_that_are_wrong(api: Api, configured: Configure, lab: ProviderLab) -> None:
    id_ = api.configure("sendgrid", factories.sendgrid(lab), alias="main")
    with lab.always(Reply(status=401)):
        (found,) = check_providers.credentials()
    assert (found.level, found.subject) == (Level.FAIL, "provider main (production)")
    assert id_ in (found.fix or "")


def test_a_mail_server_that_is_away(api: Api, configured: Configure) -> None:
    api.configure("smtp", {"host": "127.0.0.1", "port": 1, "from_address": factories.SENDER})
    assert _bad(check_providers.credentials()) == ["cannot connect"]


def test_without_providers_nothing_goes_out(configured: Configure) -> None:
    (text,) = _bad(check_providers.credentials())
    assert "UNROUTABLE" in text


# --- DNS -----------------------------------------------------------------------------------------


def _domains(api: Api, configured: Configure, zone: dict[Any, Any], **settings: Any) -> list[Finding]:
    api.configure("smtp", {"host": "localhost", "from_address": factories.SENDER})
    with NameServer(zone) as server:
        configured(dns_servers=server.address, **settings)
        return list(check_providers.sending_domains())


def test_a_domain_with_all_its_records(api: Api, configured: Configure) -> None:
    found = _domains(api, configured, GOOD, dkim_selectors="s1")
    assert [(one.level, one.text) for one in found] == [
        (Level.OK, "SPF is published"),
        (Level.OK, "DKIM: s1 is published"),
        (Level.OK, "DMARC is published"),
    ]


def test_a_domain_without_any(api: Api, configured: Configure) -> None:
    found = _domains(api, configured, {}, dkim_selectors="s1")
    assert _bad(iter(found)) == [
        "no SPF record",
        "DKIM: s1._domainkey.example.com has no key",
        "no DMARC record",
        "no MX: bounces and answers cannot come back",
    ]


@pytest.mark.parametrize(
    ("records", "said"),
    [
        (['"v=spf1 -all"', '"v=spf1 a -all"'], "2 SPF records, which is none"),
        (['"v=spf1 +all"'], "SPF lets anybody send (+all)"),
    ],
)
def test_an_spf_record_that_does_not_count(
    api: Api, configured: Configure, records: list[str], said: str
) -> None:
    found = _domains(api, configured, {**GOOD, ("example.com", "TXT"): records})
    assert _bad(iter(found)) == [said]


def test_a_name_server_that_does_not_answer(
    api: Api, configured: Configure, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notify.transport.dns._TIMEOUT_S", 0.2)
    api.configure("smtp", {"host": "localhost", "from_address": factories.SENDER})
    configured(dns_servers="127.0.0.1:9")
    (text,) = _bad(check_providers.sending_domains())
    assert "does not answer" in text


# --- the command ---------------------------------------------------------------------------------


def test_the_command_fails_when_something_does_not_work(
    database: Database, pipeline: Pipeline, tmp_path: Path
) -> None:
    arguments = ["check", "--json", "--workers-s", "0.2", "--data-dir", str(tmp_path)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 1
    found = json.loads(done.stdout)
    assert {"level", "subject", "text", "fix"} == set(found[0])
    assert ("fail", "workers") in {(one["level"], one["subject"]) for one in found}


def test_a_check_that_breaks_hides_no_other(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Iterator[Finding]:
        raise RuntimeError("oh")
        yield

    monkeypatch.setattr(check_servers, "broker", broken)
    found = list(check.run(workers_s=0.2))
    assert any("RuntimeError: oh" in one.text for one in found)
    assert found[-1].subject != "broken"
