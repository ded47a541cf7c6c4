"""The HTTP transport against real sockets: what servers do wrong, and what is never done for them."""

import os
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from notify.model.call import Answer, HttpAnswer, HttpCall, KeepCall, Kept, NoAnswer
from notify.transport import Transport, TransportSettings
from tests.servers import ProviderLab, Reply
from tests.servers.certificates import server_context
from tests.servers.vendors import TWILIO_SID

SETTINGS = TransportSettings(connect_timeout_s=1.0, timeout_s=0.5, max_answer_bytes=10_000, concurrency=50)


@pytest.fixture(scope="module")
def lab() -> Iterator[ProviderLab]:
    with ProviderLab() as running:
        yield running


@pytest.fixture(scope="module")
def transport() -> Iterator[Transport]:
    running = Transport(SETTINGS)
    yield running
    running.close()


def one(transport: Transport, call: HttpCall) -> Answer:
    ((pair,),) = transport.execute([("only", call)])
    assert pair[0] == "only"
    return pair[1]


def post(url: str, **more: object) -> HttpCall:
    return HttpCall(method="POST", url=url, body=b'{"secret": 1}', **more)  # type: ignore[arg-type]


def test_a_call_arrives_as_it_was_made(lab: ProviderLab, transport: Transport) -> None:
    call = HttpCall(
        method="PUT",
        url=f"{lab.url}/hook/open?a=%20b&c=d%2Fe",
        headers={"x-a": "b", "content-type": "text/x", "user-agent": "mine"},
        body=b"\x00body",
    )
    answer = one(transport, call)
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 204
    request = lab.requests[-1]
    assert (request.method, request.path, request.body) == ("PUT", "/hook/open", b"\x00body")
    assert request.query == {"a": " b", "c": "d/e"}
    assert request.headers["x-a"] == "b"
    assert request.headers["content-type"] == "text/x"
    assert request.headers["user-agent"] == "mine"
    assert request.headers["accept-encoding"] == "identity"
    assert "cookie" not in request.headers


def test_header_names_of_answers_are_lower_case(lab: ProviderLab, transport: Transport) -> None:
    lab.script(Reply(status=202, headers={"X-Message-ID": "7", "Set-Cookie": "a=b"}, body=b"hi"))
    answer = one(transport, post(lab.url))
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.body, answer.headers["x-message-id"]) == (202, b"hi", "7")
    one(transport, post(lab.url))
    assert "cookie" not in lab.requests[-1].headers


def test_redirects_are_answers(lab: ProviderLab, transport: Transport) -> None:
    before = lab.count
    answer = one(transport, post(f"{lab.url}/hook/elsewhere"))
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 302
    assert lab.count == before + 1


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(raw=b""), "the connection broke before an answer"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nx-half"), "the connection broke before an answer"),
        (Reply(raw=b"\x00\x01 garbage\r\n\r\n"), "the answer is not HTTP"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nx-a: " + b"y" * 100_000 + b"\r\n\r\n"), "the answer is not HTTP"),
        (Reply(delay_s=2), "no answer in time"),
    ],
    ids=["reset", "half-headers", "garbage", "endless-header", "slow"],
)
def test_without_a_status_there_is_no_answer(
    lab: ProviderLab, transport: Transport, reply: Reply, error: str
) -> None:
    lab.script(reply)
    expected = NoAnswer(error=error, maybe_sent=True)
    assert one(transport, post(f"{lab.url}/hook/open?token=hush")) == expected


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (Reply(raw=b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"ok'), b'{"ok'),
        (Reply(raw=b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"), b"ok"),
        (Reply(body=b"x" * 1_000_000), b"x" * 10_000),
    ],
    ids=["reset-in-body", "reset-in-chunks", "oversized"],
)
def test_once_a_status_has_arrived_it_counts(
    lab: ProviderLab, transport: Transport, reply: Reply, body: bytes
) -> None:
    lab.script(reply)
    answer = one(transport, post(lab.url))
    assert isinstance(answer, HttpAnswer)
    assert (answer.status, answer.body) == (200, body)


def test_compressed_answers_are_not_unpacked(lab: ProviderLab, transport: Transport) -> None:
    lab.script(Reply(headers={"content-encoding": "gzip"}, body=b"\x1f\x8bnot really"))
    answer = one(transport, post(lab.url))
    assert isinstance(answer, HttpAnswer)
    assert answer.body == b"\x1f\x8bnot really"


@pytest.mark.parametrize(
    ("url", "error", "forbidden"),
    [
        ("http://127.0.0.1:{free}/in?token=hush", "cannot connect", False),
        ("http://no-such-host.invalid/in?token=hush", "does not resolve", False),
        ("https://127.0.0.1:{lab}/in?token=hush", "no secure connection", False),
        ("ftp://127.0.0.1/in?token=hush", "only http and https", True),
        ("http://127.0.0.1:0x50/in?token=hush", "cannot be sent", True),
        ("file:///etc/passwd", "only http and https", True),
    ],
)
def test_what_cannot_be_called_is_said_without_the_url(
    lab: ProviderLab, transport: Transport, url: str, error: str, forbidden: bool
) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        free = unused.getsockname()[1]
        answer = one(transport, post(url.format(free=free, lab=lab.port)))
    assert isinstance(answer, NoAnswer)
    assert error in answer.error
    assert answer.forbidden is forbidden
    assert not answer.maybe_sent
    assert "hush" not in answer.error


def test_a_split_header_never_leaves(lab: ProviderLab, transport: Transport) -> None:
    before = lab.count
    answer = one(transport, post(lab.url, headers={"x-a": "b\r\nx-evil: 1"}))
    assert isinstance(answer, NoAnswer)
    assert lab.count == before


def test_an_http_date_can_be_read_without_the_servers_own(transport: Transport, lab: ProviderLab) -> None:
    raw = b"HTTP/1.1 429 Slow\r\nretry-after: Wed, 21 Oct 2099 07:28:00 GMT\r\ncontent-length: 0\r\n\r\n"
    lab.script(Reply(raw=raw))
    answer = one(transport, post(lab.url))
    assert isinstance(answer, HttpAnswer)
    assert answer.headers["date"].endswith("GMT")


def test_tls_with_a_certificate_that_is_trusted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    context, certificate = server_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    trusting = Transport(SETTINGS)
    with _TlsServer(context) as port:
        answer = one(trusting, post(f"https://localhost:{port}/"))
    trusting.close()
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 204


class _TlsServer:
    def __init__(self, context: object) -> None:
        self._context = context

    def __enter__(self) -> int:
        self._socket = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._serve, daemon=True).start()
        return int(self._socket.getsockname()[1])

    def _serve(self) -> None:
        raw, _ = self._socket.accept()
        with self._context.wrap_socket(raw, server_side=True) as secure:  # type: ignore[attr-defined]
            secure.recv(65536)
            secure.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

    def __exit__(self, *_: object) -> None:
        self._socket.close()


# --- many at once


def test_a_call_that_starts_later_holds_up_no_other(lab: ProviderLab, transport: Transport) -> None:
    calls = [("later", post(f"{lab.url}/hook/open")), ("now", post(f"{lab.url}/hook/open"))]
    with transport.flight() as flight:
        flight.start(calls, {"later": 0.1})
        answered = [flight.arrived(20.0)[0][0] for _ in calls]
        assert (answered, len(flight)) == (["now", "later"], 0)


def test_calls_join_others_that_are_under_way(lab: ProviderLab, transport: Transport) -> None:
    with transport.flight() as flight:
        flight.start([("later", post(f"{lab.url}/hook/open"))], {"later": 1.0})
        assert flight.arrived(0.01) == []
        flight.start([("now", post(f"{lab.url}/hook/open"))])
        assert [flight.arrived(20.0)[0][0] for _ in range(2)] == ["now", "later"]


def test_calls_that_may_not_begin_are_answered_so(lab: ProviderLab, transport: Transport) -> None:
    calls = [(name, post(f"{lab.url}/hook/open")) for name in ("may", "may not")]
    with transport.flight() as flight:
        flight.start(calls, begin=lambda due: {"may"})
        answers = dict(flight.arrived(20.0)[0] for _ in calls)
    assert answers["may not"] is None
    assert isinstance(answers["may"], HttpAnswer)


@pytest.fixture
def patient() -> Iterator[Transport]:
    """For many calls at once: how long they take is the machine's affair."""
    running = Transport(replace(SETTINGS, connect_timeout_s=20.0, timeout_s=20.0))
    yield running
    running.close()


def test_every_call_gets_one_answer_and_connections_are_reused(lab: ProviderLab, patient: Transport) -> None:
    before = lab.connections
    for _ in range(3):
        calls = [(at, post(f"{lab.url}/hook/open")) for at in range(200)]
        answers = [pair for group in patient.execute(calls) for pair in group]
        assert sorted(key for key, _ in answers) == list(range(200))
        assert [answer for _, answer in answers if not isinstance(answer, HttpAnswer)] == []
    assert lab.connections - before <= 50


def test_answers_come_while_others_are_under_way(lab: ProviderLab, transport: Transport) -> None:
    lab.script(Reply(delay_s=0.3))
    slow = post(f"{lab.url}/hook/open")
    groups = transport.execute([("slow", slow), ("kept", KeepCall())])
    assert next(groups) == [("kept", Kept())]
    ((key, _),) = next(groups)
    assert key == "slow"


def test_one_impossible_call_leaves_the_others_alone(lab: ProviderLab, transport: Transport) -> None:
    broken = HttpCall(method="POST", url=7)  # type: ignore[arg-type]
    answers = dict(
        pair
        for group in transport.execute([(1, broken), (2, post(f"{lab.url}/hook/open"))])
        for pair in group
    )
    assert isinstance(answers[1], NoAnswer)
    assert isinstance(answers[2], HttpAnswer)


def test_nothing_to_do() -> None:
    assert list(Transport(SETTINGS).execute([])) == []


def test_leaving_early_cancels_the_rest(lab: ProviderLab) -> None:
    narrow = Transport(TransportSettings(concurrency=1, timeout_s=5))
    lab.script(Reply(delay_s=0.3))
    before = lab.count
    groups = narrow.execute([("kept", KeepCall()), *((at, post(f"{lab.url}/hook/open")) for at in range(5))])
    next(groups)
    lab.wait_for(before + 1)
    groups.close()  # type: ignore[attr-defined]
    time.sleep(0.5)
    assert lab.count == before + 1
    narrow.close()


def test_closing_answers_what_is_under_way(lab: ProviderLab) -> None:
    closing = Transport(TransportSettings(timeout_s=10))
    lab.script(Reply(delay_s=1))
    before = lab.count
    groups = closing.execute([(1, KeepCall()), (2, post(lab.url))])
    next(groups)
    lab.wait_for(before + 1)
    closing.close()
    assert next(groups) == [(2, NoAnswer(error="the call was cancelled", maybe_sent=True))]
    assert list(closing.execute([(3, KeepCall())])) == [[(3, Kept())]]
    closing.close()


def test_a_forked_process_gets_a_loop_of_its_own(lab: ProviderLab, transport: Transport) -> None:
    assert isinstance(one(transport, post(f"{lab.url}/hook/open")), HttpAnswer)
    child = os.fork()
    if child == 0:
        ok = isinstance(one(transport, post(f"{lab.url}/hook/open")), HttpAnswer)
        os._exit(0 if ok else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert isinstance(one(transport, post(f"{lab.url}/hook/open")), HttpAnswer)


def test_a_call_may_be_followed_by_another(lab: ProviderLab, transport: Transport) -> None:
    second = post(f"{lab.url}/hook/gone")
    seen: list[int] = []

    def follow(answer: HttpAnswer) -> HttpCall | None:
        seen.append(answer.status)
        return second if len(seen) == 1 else None

    first = post(f"{lab.url}/hook/open", then=follow)
    answer = one(transport, first)
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 410
    assert isinstance(one(transport, first), HttpAnswer)
    assert seen == [204, 204]


def test_the_lab_knows_its_vendors(lab: ProviderLab, transport: Transport) -> None:
    answer = one(transport, post(f"{lab.base_url('twilio')}/2010-04-01/Accounts/{TWILIO_SID}/Messages.json"))
    assert isinstance(answer, HttpAnswer)
    assert answer.status == 401
