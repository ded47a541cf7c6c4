"""SMTP: one RFC 5322 message per delivery, read back with the standard library's parser."""

from email import message_from_bytes, message_from_string
from email.message import EmailMessage
from email.policy import default as default_policy
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.errors import ContentError, InvalidRequest
from notify.model.call import Accepted, Blame, Permanent, SmtpAnswer, SmtpCall, SmtpSecurity, Transient
from notify.model.output import EmailOutput

from .cases import Cases, Send

MAIL = EmailOutput(
    subject="Héllo", html="<p>Ada, hello — schön</p>\n.dot\n", text="Ada, hello\nFrom here\n.dot\n"
)
ADA = {"email": "ada@example.com"}


def read(call: SmtpCall) -> EmailMessage:
    message = message_from_bytes(call.data, policy=default_policy)
    assert not any(part.defects for part in message.walk())
    return message


def content(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    assert part is not None
    return cast(str, part.get_content()).replace("\r\n", "\n")


def _plain(call: SmtpCall) -> None:
    assert (call.server.host, call.server.port, call.server.security) == (
        "mail.example.com", 587, SmtpSecurity.STARTTLS,
    )  # fmt: skip
    assert (call.sender, call.recipients) == ("shop@example.com", ("ada@example.com",))
    message = read(call)
    assert message["from"] == "Shöp <shop@example.com>"
    assert message["to"] == "ada@example.com"
    assert message["subject"] == "Héllo"
    assert message["message-id"] == "<d1f2@example.com>"
    assert message["date"].datetime is not None
    assert message.get_content_type() == "multipart/alternative"
    assert content(message, "plain") == MAIL.text
    assert content(message, "html") == MAIL.html
    assert b"\n" not in call.data.replace(b"\r\n", b"")
    assert max(map(len, call.data.split(b"\r\n"))) <= 78


def _with_words(call: SmtpCall) -> None:
    assert call.sender == "team@example.com"
    assert call.recipients == ("ada@example.com", "bob@example.com", "cy@example.com", "dee@example.com")
    message = read(call)
    assert message["cc"] == '"O\'Neil, Bob" <bob@example.com>, cy@example.com'
    assert message["bcc"] is None
    assert b"dee@example.com" not in call.data
    assert message["reply-to"] == "help@example.com"
    assert message["list-unsubscribe"] == f"<https://example.com/{'u' * 120}>"
    assert [(part.get_filename(), part.get_content_type()) for part in message.iter_attachments()] == [
        ("räport.pdf", "application/pdf"),
        ("note.txt", "text/plain"),
    ]
    assert [part.get_content() for part in message.iter_attachments()] == [b"%PDF", "hello"]


def _text_only(call: SmtpCall) -> None:
    message = read(call)
    assert message.get_content_type() == "text/plain"
    assert message.get_content().replace("\r\n", "\n") == "Ada, hello\n"


def _international(call: SmtpCall) -> None:
    assert call.recipients == ("adä@exämple.de",)
    message = message_from_string(call.data.decode(), policy=default_policy)
    assert message["to"] == "adä@exämple.de"


CASES = Cases(
    key="smtp",
    settings={
        "host": "mail.example.com",
        "username": "shop",
        "password": "hush-hush",
        "from_address": "shop@example.com",
        "from_name": "Shöp",
    },
    secrets=("hush-hush",),
    required=("host", "from_address"),
    incomplete=({}, {"email": " "}, {"email": None}),
    sends=(
        Send(name="plain", profile=ADA, output=MAIL, check=_plain),
        Send(
            name="override",
            profile=ADA,
            output=MAIL,
            check=_with_words,
            override={
                "from": {"email": "team@example.com", "name": "Team"},
                "cc": [{"email": "bob@example.com", "name": "O'Neil, Bob"}, "cy@example.com"],
                "bcc": "dee@example.com",
                "reply_to": "help@example.com",
                "headers": {"List-Unsubscribe": f"<https://example.com/{'u' * 120}>"},
                "body": {
                    "attachments": [
                        {"filename": "räport.pdf", "contentType": "application/pdf", "data": "JVBERg=="},
                        {
                            "filename": "note.txt",
                            "type": "text/plain",
                            "content": "hello",
                            "encoding": "utf-8",
                        },
                    ]
                },
            },
        ),
        Send(
            name="text",
            profile=ADA,
            output=EmailOutput(subject="x", html="", text="Ada, hello"),
            check=_text_only,
        ),
        Send(name="international", profile={"email": "adä@exämple.de"}, output=MAIL, check=_international),
    ),
    answers=(
        (
            SmtpAnswer(code=250, text="2.0.0 queued as 7", stage="data"),
            Accepted(reference={"response": "2.0.0 queued as 7"}),
        ),
        *(
            (
                SmtpAnswer(code=code, text="later", stage=stage),
                Transient(reason=f"SMTP {code} at {stage}: later"),
            )
            for code, stage in (
                (421, "connect"), (421, "mail"), (450, "rcpt"), (451, "data"), (452, "rcpt"), (454, "auth"),
                (-1, "mail"), (354, "rcpt"),
            )
        ),
        *(
            (
                SmtpAnswer(code=code, text="no", stage=stage),
                Permanent(reason=f"SMTP {code} at {stage}: no", blame=blame),
            )
            for code, stage, blame in (
                (554, "connect", Blame.PROVIDER),
                (535, "auth", Blame.PROVIDER),
                (530, "mail", Blame.PROVIDER),
                (550, "mail", Blame.PROVIDER),
                (550, "rcpt", Blame.RECIPIENT),
                (551, "rcpt", Blame.RECIPIENT),
                (553, "rcpt", Blame.RECIPIENT),
                (552, "rcpt", Blame.RECIPIENT),
                (530, "rcpt", Blame.PROVIDER),
                (554, "rcpt", Blame.PROVIDER),
                (552, "data", Blame.CONTENT),
                (554, "data", Blame.PROVIDER),
                (550, "data", Blame.PROVIDER),
            )
        ),
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    "override",
    [
        {"headers": {"X-A": "a\r\nBcc: evil@example.com"}},
        {"headers": {"Bcc": "evil@example.com"}},
        {"headers": {"Content-Type": "text/html"}},
        {"subject": "a\x00"},
        {"subject": 7},
        {"cc": ["a@example.com\r\nRCPT TO:<evil@example.com>"]},
        {"config": {"host": "elsewhere.example"}},
        {"config": {"port": 26}},
        {"body": []},
    ],
    ids=str,
)
def test_an_override_that_would_break_out_is_refused(override: dict[str, Any]) -> None:
    with pytest.raises(ContentError):
        CASES.call(CASES.sends[0], override=override)


def test_credentials_for_one_send() -> None:
    call = CASES.call(CASES.sends[0], override={"config": {"username": "other", "password": "pw"}})
    assert isinstance(call, SmtpCall)
    assert (call.server.username, call.server.password) == ("other", "pw")


def test_a_subject_is_one_line() -> None:
    call = CASES.call(CASES.sends[0], override={"subject": " Your order\r\nBcc: evil@example.com\n"})
    assert isinstance(call, SmtpCall)
    message = read(call)
    assert message["subject"] == "Your order Bcc: evil@example.com"
    assert "bcc" not in message


@pytest.mark.parametrize(("stage", "busy"), [("connect", False), ("rcpt", True), ("data", False)])
def test_deferring_a_recipient_is_no_outage(stage: str, busy: bool) -> None:
    outcome = CASES.provider.outcome(SmtpAnswer(code=451, text="4.7.1 Greylisted", stage=stage))
    assert isinstance(outcome, Transient)
    assert outcome.busy is busy


def test_user_and_password_go_together() -> None:
    with pytest.raises(InvalidRequest, match="go together"):
        CASES.loaded(password=None)


@given(subject=st.text().filter(str.isprintable), text=st.text(min_size=1), html=st.text())
def test_any_text_survives(subject: str, text: str, html: str) -> None:
    output = EmailOutput(subject=subject.strip(), html=html, text=text)
    call = CASES.call(CASES.sends[0], output=output)
    assert isinstance(call, SmtpCall)
    message = read(call)
    assert " ".join(str(message["subject"]).split()) == " ".join(subject.split())
    if "\x00" not in text:
        assert content(message, "plain").split() == text.split()
