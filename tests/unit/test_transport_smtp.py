"""The SMTP transport against a real server: stages, pooled connections, TLS, and never sending twice."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from notify.model.call import Answer, NoAnswer, SmtpAnswer, SmtpCall, SmtpSecurity, SmtpServer
from notify.transport import Transport, TransportSettings
from tests.servers import MailLab
from tests.servers.certificates import server_context

DATA = b"Subject: x\r\n\r\n.starts with a dot\r\nand ends"
SETTINGS = TransportSettings(smtp_connections=4, smtp_timeout_s=1.0)


@pytest.fixture
def transport() -> Iterator[Transport]:
    running = Transport(SETTINGS)
    yield running
    running.close()


@pytest.fixture
def lab() -> Iterator[MailLab]:
    with MailLab() as running:
        yield running


def mail(port: int, to: str = "ada@example.com", **server: Any) -> SmtpCall:
    parts = {"host": "127.0.0.1", "security": SmtpSecurity.NONE, **server}
    return SmtpCall(
        server=SmtpServer(port=port, **parts), sender="shop@example.com", recipients=(to,), data=DATA
    )


def run(transport: Transport, *calls: SmtpCall) -> list[Answer]:
    pairs = [pair for group in transport.execute([*enumerate(calls)]) for pair in group]
    return [answer for _, answer in sorted(pairs, key=lambda pair: pair[0])]


def test_a_mail_arrives_byte_for_byte(lab: MailLab, transport: Transport) -> None:
    (answer,) = run(transport, mail(lab.port))
    assert answer == SmtpAnswer(code=250, text="2.0.0 OK queued as 1", stage="data")
    (kept,) = lab.to("ada@example.com")
    assert kept.sender == "shop@example.com"
    assert kept.data == DATA + b"\r\n"


def test_connections_are_few_and_used_again(lab: MailLab, transport: Transport) -> None:
    for _ in range(3):
        run(transport, *[mail(lab.port)] * 50)
    assert lab.count == 150
    assert lab.connections <= SETTINGS.smtp_connections


@pytest.mark.parametrize(
    ("stage", "address", "reply"),
    [
        ("mail", "shop@example.com", "550 5.7.1 sender refused"),
        ("rcpt", "bad@example.com", "550 5.1.1 no such user"),
        ("rcpt", "bad@example.com", "451 4.7.1 greylisted"),
        ("data", "bad@example.com", "554 5.6.0 looks like spam"),
    ],
)
def test_refusals_carry_their_stage_and_spare_the_next(
    lab: MailLab, transport: Transport, stage: str, address: str, reply: str
) -> None:
    lab.refuse[(stage, address)] = reply
    (answer,) = run(transport, mail(lab.port, "bad@example.com"))
    assert answer == SmtpAnswer(code=int(reply[:3]), text=reply[4:], stage=stage)
    lab.refuse.clear()
    (answer,) = run(transport, mail(lab.port))
    assert isinstance(answer, SmtpAnswer)
    assert answer.code == 250
    assert lab.connections == 1


def test_a_stale_connection_is_replaced(lab: MailLab, transport: Transport) -> None:
    run(transport, *[mail(lab.port)] * 8)
    lab.break_connections()
    answers = run(transport, *[mail(lab.port)] * 8)
    assert {answer.code for answer in answers if isinstance(answer, SmtpAnswer)} == {250}
    assert lab.count == 16


def test_a_server_that_closes_with_421_is_called_again(lab: MailLab, transport: Transport) -> None:
    run(transport, mail(lab.port))
    lab.refuse[("mail", "*")] = "421 4.3.2 shutting down"
    (answer,) = run(transport, mail(lab.port))
    assert answer == SmtpAnswer(code=421, text="4.3.2 shutting down", stage="mail")
    assert lab.connections == 2


def test_slow_servers_are_given_up(lab: MailLab, transport: Transport) -> None:
    lab.delay_s = 5
    (answer,) = run(transport, mail(lab.port))
    assert answer == NoAnswer(error="no answer in time at data", maybe_sent=True)


def test_nobody_listens(transport: Transport) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        (answer,) = run(transport, mail(unused.getsockname()[1]))
    assert answer == NoAnswer(error="cannot connect")


@contextmanager
def scripted(*replies: bytes) -> Iterator[tuple[int, list[bytes]]]:
    """A server that says ``replies`` one after the other, whatever it is told, then hangs up."""
    heard: list[bytes] = []
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                for reply in replies:
                    connection.sendall(reply)
                    heard.append(connection.recv(65536))

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield listening.getsockname()[1], heard
    finally:
        listening.close()


@pytest.mark.parametrize(
    ("replies", "expected"),
    [
        ((b"554 5.3.2 no service\r\n",), SmtpAnswer(code=554, text="5.3.2 no service", stage="connect")),
        ((b"421 busy\r\n",), SmtpAnswer(code=421, text="busy", stage="connect")),
        ((), NoAnswer(error="cannot connect")),
        ((b"220 hi\r\n", b"250 ok\r\n"), NoAnswer(error="the connection broke at mail")),
        ((b"220 hi\r\n", b"250 ok\r\n", b"250 ok\r\n"), NoAnswer(error="the connection broke at rcpt")),
    ],
)
def test_servers_that_break_off(replies: tuple[bytes, ...], expected: Answer, transport: Transport) -> None:
    with scripted(*replies) as (port, _):
        assert run(transport, mail(port)) == [expected]


def test_after_data_nothing_is_ever_sent_again(transport: Transport) -> None:
    with scripted(b"220 hi\r\n", *[b"250 ok\r\n"] * 3, b"354 go\r\n") as (port, heard):
        (answer,) = run(transport, mail(port))
        assert answer == NoAnswer(error="the connection broke at data", maybe_sent=True)
    assert sum(part.startswith(b"Subject") for part in heard) == 1


def test_garbage_is_an_answer_nobody_understands(transport: Transport) -> None:
    with scripted(b"HTTP/1.1 400 Bad Request\r\n\r\n") as (port, _):
        (answer,) = run(transport, mail(port))
    assert not isinstance(answer, SmtpAnswer) or not 200 <= answer.code < 300


# --- TLS and logging in


@pytest.fixture
def trusting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[Transport, Any]]:
    context, certificate = server_context(tmp_path)
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    running = Transport(SETTINGS)
    yield running, context
    running.close()


@pytest.mark.parametrize("security", [SmtpSecurity.STARTTLS, SmtpSecurity.TLS])
def test_tls_and_login(trusting: tuple[Transport, Any], security: SmtpSecurity) -> None:
    transport, context = trusting
    implicit = security is SmtpSecurity.TLS
    with MailLab(tls=context, implicit_tls=implicit, users={"shop": "hush"}) as lab:
        good = mail(lab.port, security=security, username="shop", password="hush")
        bad = mail(lab.port, security=security, username="shop", password="guess")
        nobody = mail(lab.port, security=security)
        answers = run(transport, good, bad, nobody)
        assert [(answer.code, answer.stage) for answer in answers if isinstance(answer, SmtpAnswer)] == [
            (250, "data"), (535, "auth"), (530, "mail"),
        ]  # fmt: skip
        assert [kept.username for kept in lab.mails] == ["shop"]
    assert "hush" not in repr(answers) + repr(good)


@pytest.mark.parametrize("security", [SmtpSecurity.STARTTLS, SmtpSecurity.TLS])
def test_a_certificate_nobody_knows(tmp_path: Path, transport: Transport, security: SmtpSecurity) -> None:
    context, _ = server_context(tmp_path)
    with MailLab(tls=context, implicit_tls=security is SmtpSecurity.TLS) as lab:
        (answer,) = run(transport, mail(lab.port, security=security))
    assert answer == NoAnswer(error="no secure connection: the certificate or TLS handshake failed")


def test_starttls_is_never_skipped(lab: MailLab, transport: Transport) -> None:
    (answer,) = run(transport, mail(lab.port, security=SmtpSecurity.STARTTLS))
    assert isinstance(answer, SmtpAnswer)
    assert (answer.code, answer.stage) == (502, "auth")
    assert lab.count == 0


def test_logging_in_where_nobody_can(lab: MailLab, transport: Transport) -> None:
    (answer,) = run(transport, mail(lab.port, username="shop", password="hush"))
    assert isinstance(answer, SmtpAnswer)
    assert (answer.code, answer.stage) == (502, "auth")


def test_international_addresses(lab: MailLab, transport: Transport) -> None:
    (answer,) = run(transport, mail(lab.port, "adä@exämple.de"))
    assert isinstance(answer, SmtpAnswer)
    assert answer.code == 250
    assert lab.to("adä@exämple.de")


def test_a_command_cannot_be_smuggled_into_an_address(lab: MailLab, transport: Transport) -> None:
    run(transport, mail(lab.port, "ada@example.com>\r\nRCPT TO:<evil@example.com"))
    assert not lab.to("evil@example.com")
