"""What dies, hangs or lies: every message still reaches its end, and nobody has to lend a hand.

An instance of its own, since it is handled roughly. The tests run in order; the last one ends it.
"""

import json
import re
import threading
from base64 import b64decode
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from uuid import UUID

import psycopg
import pytest
import redis
import requests
from courier import AuthenticationError, Courier, InternalServerError, NotFoundError

from notify import ids
from notify.local.lab import HttpLab, Reply, Request
from notify.model.status import FINAL
from tests.acceptance.calls import SUGAR, attempts, ended, fresh, history, send
from tests.acceptance.running import Running, descendants, exists, go_on, kill, running, stop_all, until

TO = {"email": "ada@example.com"}
MANY = 30
PATIENT = {"max_retries": 10}
"""The client's own retries, more of them than usual: a busy machine takes its time to start a server."""


@pytest.fixture(scope="module")
def hardy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """An instance that is going to have bad days."""
    # With a horizon that near, whatever waits longer is the dispatcher's.
    settings = {"NOTIFY_HTTP_TIMEOUT_S": "3", "NOTIFY_HORIZON_S": "2", "NOTIFY_DISPATCH_EVERY_S": "1"}
    with running(tmp_path_factory.mktemp("hardy"), **settings) as up:
        up.client("production").providers.create(provider="webhook", settings={})
        yield up


@pytest.fixture(autouse=True)
def healthy(hardy: Running) -> None:
    """Every day begins well."""
    until(lambda: is_ready(hardy), "the instance serves")


def is_ready(instance: Running) -> bool:
    with suppress(requests.RequestException, OSError):
        return requests.get(f"{instance.ready.base_url}/health/ready", timeout=10).ok
    return False


def problems(instance: Running) -> list[str]:
    """What /health/ready complains of."""
    answer = requests.get(f"{instance.ready.base_url}/health/ready", timeout=30)
    return list(answer.json()["problems"])


class Hooks(HttpLab):
    """A webhook receiver; messages have an ``n`` in their data. ``hang``: those whose calls get no answer."""

    def __init__(self) -> None:
        super().__init__(self._answer)
        self.hang: set[int] = set()
        self.reply = Reply(status=204)

    def _answer(self, request: Request) -> Reply:
        return Reply(status=204, delay_s=300) if number_of(request) in self.hang else self.reply

    def calls(self, trace: str) -> list[int]:
        """The numbers of the messages it was called for."""
        return [number_of(one) for one in tuple(self.requests) if trace.encode() in one.body]

    def send(self, client: Courier, count: int, **message: Any) -> str:
        """As many messages in one send; their trace id."""
        trace = fresh("trace")
        to = [{"webhook": {"url": self.url}, "data": {"n": n, "trace": trace}} for n in range(count)]
        send(client, to, metadata={"trace_id": trace}, **message)
        return trace


def number_of(request: Request) -> int:
    return int(request.json()["message"]["data"].get("n", -1))


@pytest.fixture
def hooks() -> Iterator[Hooks]:
    with Hooks() as lab:
        yield lab


def statuses(client: Courier, trace: str) -> list[str]:
    return [one.status for one in client.messages.list(trace_id=trace).results]


def all_ended(client: Courier, trace: str, count: int = MANY) -> list[str]:
    """The final statuses of a trace's messages, once all have one."""

    def look() -> list[str]:
        found = statuses(client, trace)
        return found if len(found) == count and FINAL.issuperset(found) else []

    return until(look, f"{count} messages end")


@contextmanager
def frozen(pids: set[int]) -> Iterator[None]:
    """These processes do nothing inside the block."""
    stop_all(pids)
    try:
        yield
    finally:
        go_on(pids)


# --- the broker ----------------------------------------------------------------------------------


def test_the_broker_hangs(hardy: Running) -> None:
    client = hardy.client(max_retries=0)
    with frozen({hardy.ready.pids["valkey"]}):
        sent = [send(client, TO) for _ in range(3)]
        request = send(client, [TO, TO])
        assert any("broker" in problem for problem in problems(hardy))
        assert {client.messages.retrieve(id_).status for id_ in sent} == {"ENQUEUED"}
    assert {ended(client, id_).status for id_ in sent} == {"SENT"}
    assert all_ended(client, request, 2) == ["SENT", "SENT"]


def test_the_broker_is_killed_and_comes_back(hardy: Running) -> None:
    client = hardy.client(max_retries=0)
    before = hardy.ready.pids["valkey"]
    kill(before)
    sent = [send(client, TO) for _ in range(5)]
    assert {ended(client, id_).status for id_ in sent} == {"SENT"}
    until(lambda: hardy.ready.pids.get("valkey", before) != before, "it was started again")


def test_the_broker_forgets_everything(hardy: Running) -> None:
    client, broker = hardy.client(), redis.Redis.from_url(hardy.ready.broker_url)
    worker = hardy.ready.pids["worker-pipeline"]
    pool = descendants(worker)
    with frozen({hardy.supervisor}):  # which would start the worker again at once
        kill(worker, *pool)
        until(lambda: not any(map(exists, (worker, *pool))), "the worker is dead")
        sent = [send(client, TO) for _ in range(5)]
        # They are published in this order, so after the last one nothing more is to come.
        until(lambda: sent[-1] in told(broker, "render"), "the broker knows of the last one")
        broker.flushall()
    assert {ended(client, id_).status for id_ in sent} == {"SENT"}


def told(broker: "redis.Redis[bytes]", queue: str) -> str:
    """The arguments of the tasks that wait in a queue; ids as the API shows them."""
    bodies = (b64decode(json.loads(task)["body"]) for task in broker.lrange(queue, 0, -1))
    arguments = (json.loads(body)[0][0] for body in bodies)
    return " ".join(ids.to_wire(UUID(hex=id_)) for told_of in arguments for id_ in told_of)


# --- the database --------------------------------------------------------------------------------


def test_the_database_is_away_and_comes_back(hardy: Running, hooks: Hooks) -> None:
    client, http = hardy.client(**PATIENT), hardy.http("production")
    hooks.hang = set(range(5))
    trace = hooks.send(hardy.client("production"), 10)
    until(lambda: set(hooks.calls(trace)) == set(range(10)), "all of them are under way")

    with frozen({hardy.supervisor}):  # which would start it again at once
        kill(hardy.ready.pids["postgres"])
        until(lambda: http.send({"to": TO, "content": SUGAR}).status_code == 503, "it is missed")
        for method, path in (("POST", "/send"), ("GET", "/messages"), ("GET", "/profiles/ada")):
            answer = http(method, path, json={"message": {"to": TO, "content": SUGAR}})
            assert (answer.status_code, answer.json()["type"]) == (503, "service_unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        with pytest.raises(InternalServerError):
            send(hardy.client(max_retries=0), TO)
        assert any("database" in problem for problem in problems(hardy))

        sent: list[str] = []
        patient = threading.Thread(target=lambda: sent.append(send(client, TO)))
        patient.start()
    patient.join(60)
    (id_,) = sent
    assert ended(client, id_).status == "SENT"

    hooks.hang = set()
    assert set(all_ended(hardy.client("production", **PATIENT), trace, 10)) == {"DELIVERED"}


def test_what_was_accepted_survives_the_death_of_the_database(hardy: Running) -> None:
    client = hardy.client(**PATIENT)
    before = hardy.ready.pids["postgres"]
    first = [send(client, TO) for _ in range(5)]
    kill(before)
    later = [send(client, TO) for _ in range(5)]
    assert {ended(client, id_).status for id_ in (*first, *later)} == {"SENT"}
    until(lambda: hardy.ready.pids.get("postgres", before) != before, "it was started again")


# --- our own processes ---------------------------------------------------------------------------


@pytest.mark.parametrize("victims", ["parent and pool", "pool"])
def test_a_worker_is_killed_in_mid_batch(hardy: Running, hooks: Hooks, victims: str) -> None:
    client = hardy.client("production")
    quick = set(range(0, MANY, 2))
    hooks.hang = set(range(MANY)) - quick
    trace = hooks.send(client, MANY)
    until(lambda: len(set(hooks.calls(trace))) == MANY, "all of them are under way")
    until(lambda: statuses(client, trace).count("DELIVERED") == len(quick), "half of them are recorded")

    worker = hardy.ready.pids["worker-webhook"]
    pool = descendants(worker)
    kill(*pool, *([worker] if victims != "pool" else []))
    hooks.hang = set()

    assert set(all_ended(client, trace)) == {"DELIVERED"}
    calls = hooks.calls(trace)
    assert set(calls) == set(range(MANY))
    # Twice only what was neither answered nor recorded.
    assert sorted(n for n in calls if n in quick) == sorted(quick)
    assert pool.isdisjoint(descendants(hardy.ready.pids["worker-webhook"]))


@pytest.mark.parametrize("name", ["worker-pipeline", "api", "beat"])
def test_what_is_killed_is_started_again_and_the_client_notices_nothing(hardy: Running, name: str) -> None:
    before = hardy.ready.pids[name]
    kill(before, *descendants(before))
    client = hardy.client(**PATIENT)
    id_ = send(client, TO)
    assert ended(client, id_).status == "SENT"
    until(lambda: hardy.ready.pids.get(name, before) != before, f"{name} was started again")
    assert not exists(before)


# --- providers -----------------------------------------------------------------------------------

LIES = {
    "500 to everything": (Reply(status=500, body=b"oops"), "HTTP 500"),
    "a reset": (Reply(raw=b""), "the connection broke before an answer"),
    "a reset in the middle of a word": (Reply(raw=b"HTTP/1.1 20"), "the connection broke|not HTTP"),
    "something else than HTTP": (
        Reply(raw=b"220 smtp.example.com ESMTP\r\n"),
        "not HTTP|the connection broke",
    ),
}


@pytest.mark.parametrize(("reply", "named"), LIES.values(), ids=LIES.keys())
def test_a_provider_that_fails_is_tried_again_until_it_works(
    hardy: Running, hooks: Hooks, reply: Reply, named: str
) -> None:
    client = hardy.client("production")
    hooks.reply = reply
    id_ = send(client, {"webhook": {"url": hooks.url}})
    until(lambda: len(history(client, id_, "RETRYING")) > 1, "it was tried twice")
    hooks.reply = Reply(status=204)
    message = ended(client, id_)
    assert (message.status, attempts(message)[0]["attempts"]) == ("DELIVERED", hooks.count)
    retries = history(client, id_, "RETRYING")
    assert len(retries) == hooks.count - 1
    assert_matches(named, *(one["error_message"] for one in retries))


def test_a_provider_that_never_works_is_given_up_when_the_time_is_up(hardy: Running, hooks: Hooks) -> None:
    client = hardy.client("production")
    hooks.reply = Reply(status=500, body=b"oops")
    id_ = send(client, {"webhook": {"url": hooks.url}}, timeout={"message": 1000})
    message = ended(client, id_)
    assert (message.status, message.reason) == ("UNDELIVERABLE", "PROVIDER_ERROR")
    assert attempts(message)[0]["attempts"] == hooks.count
    (lost,) = history(client, id_, "UNDELIVERABLE")
    assert_matches("HTTP 500", lost["error_message"], attempts(message)[0]["error"], message.error or "")


def assert_matches(pattern: str, *texts: str) -> None:
    assert all(re.search(pattern, text) for text in texts), texts


def test_a_provider_that_failed_for_many_comes_back(hardy: Running, hooks: Hooks) -> None:
    client = hardy.client("production")
    hooks.reply = Reply(status=503, headers={"Retry-After": "1"})
    trace = hooks.send(client, MANY)
    until(lambda: len(set(hooks.calls(trace))) == MANY, "all of them were refused once")
    hooks.reply = Reply(status=204)
    assert set(all_ended(client, trace)) == {"DELIVERED"}


def test_nobody_listens(hardy: Running) -> None:
    with HttpLab() as closed:
        url = closed.url
    client = hardy.client("production")
    message = ended(client, send(client, {"webhook": {"url": url}}, timeout={"message": 1000}))
    assert message.status == "UNDELIVERABLE"
    assert "cannot connect" in (message.error or "")


def test_a_provider_that_hangs_holds_up_nobody_else(hardy: Running, hooks: Hooks) -> None:
    client, sandbox = hardy.client("production"), hardy.client("test")
    hooks.hang = {-1}
    stuck = send(client, {"webhook": {"url": hooks.url}})
    until(lambda: hooks.count, "it is called")
    others = [send(sandbox, to) for to in (TO, {"phone_number": "+4930123456"}, {"firebaseToken": "t"})]
    assert {ended(sandbox, id_).status for id_ in others} == {"SENT"}
    assert client.messages.retrieve(stuck).status == "ROUTED"

    hooks.hang = set()
    assert ended(client, stuck).status == "DELIVERED"
    assert "no answer in time" in history(client, stuck, "RETRYING")[0]["error_message"]


# --- instances -----------------------------------------------------------------------------------


def test_two_instances_run_side_by_side(hardy: Running, instance: Running) -> None:
    ours, theirs = hardy.ready, instance.ready
    assert not set(ours.pids.values()) & set(theirs.pids.values())
    for name in ("base_url", "database_url", "broker_url", "flower_url"):
        assert getattr(ours, name) != getattr(theirs, name)
    with pytest.raises(AuthenticationError):
        Courier(api_key=ours.api_keys["test"], base_url=theirs.base_url).messages.list()
    here, there = hardy.client(), instance.client()
    id_ = send(here, TO)
    assert ended(here, id_).status == "SENT"
    with pytest.raises(NotFoundError):
        there.messages.retrieve(id_)
    assert ended(there, send(there, TO)).status == "SENT"


def test_the_machine_dies_with_everything_on_it(hardy: Running, hooks: Hooks) -> None:
    client, sandbox = hardy.client("production"), hardy.client("test")
    held = send(sandbox, TO, delay={"duration": 10_000})
    until(lambda: sandbox.messages.retrieve(held).status == "DELAYED", "it is held")
    hooks.hang = set(range(MANY))
    trace = hooks.send(client, MANY)
    until(lambda: len(set(hooks.calls(trace))) == MANY, "all of them are under way")
    fresh_one = send(sandbox, TO)
    hardy.kill()

    hooks.hang = set()
    hardy.start()
    client, sandbox = hardy.client("production"), hardy.client("test")
    assert set(all_ended(client, trace)) == {"DELIVERED"}
    assert [ended(sandbox, id_).status for id_ in (held, fresh_one)] == ["SENT", "SENT"]


def test_nothing_of_all_this_was_lost_or_is_still_under_way(hardy: Running) -> None:
    with psycopg.connect(hardy.ready.database_url, autocommit=True) as connection:
        left = lambda: connection.execute("SELECT stage, attempt, lost FROM work").fetchall()  # noqa: E731
        until(lambda: not left(), "no work is left")
        final = [str(status) for status in FINAL]
        unfinished = connection.execute("SELECT id, status FROM message WHERE status <> ALL(%s)", [final])
        assert unfinished.fetchall() == []


def test_sigterm_ends_all_of_it(hardy: Running, instance: Running) -> None:
    family, neighbours = hardy.family(), instance.servants()
    assert len(family) > len(hardy.ready.pids)
    assert hardy.stop() == 0
    assert [pid for pid in family if exists(pid)] == []
    assert not hardy.ready_file.exists()
    assert instance.servants() == neighbours
