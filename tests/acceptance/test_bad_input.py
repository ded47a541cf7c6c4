"""Whatever comes in: a clear refusal, or a message that ends with the reason; and the processes go on."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
import requests
from courier import Courier

from notify.local.lab import HttpLab, Reply
from tests.acceptance.calls import SUGAR, address, attempts, block, ended, fresh, history, send, via
from tests.acceptance.conftest import Outside
from tests.acceptance.running import Http, Running, until

TO = {"email": "ada@example.com"}
GOOD = {"to": TO, "content": SUGAR}
LONG = "x" * 600
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module", autouse=True)
def before(instance: Running) -> dict[str, frozenset[int]]:
    """The processes as they were when this module began, workers' pools included."""
    return instance.servants()


def refusal(answer: requests.Response, status: int = 400, kind: str = "invalid_request_error") -> str:
    """The words of an answer that is the refusal it should be."""
    assert answer.status_code == status, answer.text[:500]
    body = answer.json()
    assert body.keys() == {"type", "message"}
    assert body["type"] == kind
    assert body["message"]
    assert "Traceback" not in body["message"]
    assert len(body["message"]) < 2000
    return str(body["message"])


# --- bodies that cannot be read ------------------------------------------------------------------


def nested(depth: int, value: str = "1") -> bytes:
    """A sound message but for its data, which is a list in a list in a list..."""
    text = json.dumps({"message": {**GOOD, "data": {"deep": "HERE"}}})
    return text.replace('"HERE"', "[" * depth + value + "]" * depth).encode()


UNREADABLE = {
    "nothing": b"",
    "cut off": b'{"message": {"to": {"email": "a@exam',
    "no JSON": b"to=ada&body=hello",
    "single quotes": b"{'message': {}}",
    "a comment": b'{"message": {}} // hello',
    "null": b"null",
    "a list": b"[]",
    "a text": b'"message"',
    "a number": b"1",
    "invalid UTF-8": json.dumps({"message": GOOD}).encode().replace(b"ada@", b"\xff\xfe\xc3@"),
    "UTF-16": json.dumps({"message": GOOD}).encode("utf-16"),
    "not a number": nested(1, "NaN"),
    "infinity": nested(1, "-Infinity"),
    "out of range": nested(1, "1e999"),
    "a number of a million digits": nested(1, "9" * 1_000_000),
    "101 deep": nested(101),
    "10,000 deep": nested(10_000),
    "a million brackets": b"[" * 1_000_000,
    "half a million objects": b'{"a":' * 500_000,
}


@pytest.mark.parametrize("path", ["/send", "/profiles/ada", "/notifications"])
@pytest.mark.parametrize("body", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_body_that_cannot_be_read_is_refused(http: Http, path: str, body: bytes) -> None:
    refusal(http("POST", path, data=body, headers=JSON))


@pytest.mark.parametrize(
    "kind", ["text/plain", "multipart/form-data; boundary=x", "application/xml", "x", ""]
)
def test_a_body_of_another_kind_is_refused_or_read_as_json(http: Http, kind: str) -> None:
    answer = http("POST", "/send", data=json.dumps({"message": GOOD}), headers={"Content-Type": kind})
    if answer.status_code != 202:
        refusal(answer)


FIVE_MB = b'{"message": {"data": "' + b"x" * 5_000_000 + b'"}}'


@pytest.mark.parametrize("path", ["/send", "/profiles/ada", "/nowhere"])
def test_a_body_of_5_mb_is_refused(http: Http, path: str) -> None:
    assert "larger than" in refusal(http("POST", path, data=FIVE_MB, headers=JSON), 413)


def test_a_body_of_5_mb_in_pieces_is_refused(http: Http) -> None:
    def pieces() -> Iterator[bytes]:
        for start in range(0, len(FIVE_MB), 64 * 1024):
            yield FIVE_MB[start : start + 64 * 1024]

    assert "larger than" in refusal(http("POST", "/send", data=pieces(), headers=JSON), 413)


def test_a_client_that_goes_away_in_the_middle_of_its_body(instance: Running, http: Http) -> None:
    host, port = instance.ready.base_url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as broken:
        broken.sendall(f"POST /send HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {http.key}\r\n".encode())
        broken.sendall(b'Content-Length: 1000\r\nContent-Type: application/json\r\n\r\n{"message"')
    with socket.create_connection((host, int(port))) as broken:
        broken.sendall(b"\x16\x03\x01\x00\xa5\x01 this is not HTTP\r\n\r\n")
        assert b"400" in broken.recv(1000)


# --- messages that make no sense -----------------------------------------------------------------

BAD_MESSAGES: dict[str, tuple[Any, str]] = {
    "no message": ({}, "message"),
    "a list": ([GOOD], "message"),
    "a text": ("hello", "message"),
    "no recipient": ({"content": SUGAR}, "message.to: "),
    "null recipient": ({**GOOD, "to": None}, "message.to: "),
    "empty recipient": ({**GOOD, "to": {}}, "message.to: names no recipient"),
    "nobody": ({**GOOD, "to": {"locale": "de", "data": {}}}, "message.to: names no recipient"),
    "a recipient that is a text": ({**GOOD, "to": "ada@example.com"}, "message.to: "),
    "nobody in an array": ({**GOOD, "to": []}, "message.to: "),
    "one in an array is wrong": ({**GOOD, "to": [TO, {}, TO]}, r"message.to\[1\]: names no recipient"),
    "501 recipients": ({**GOOD, "to": [TO] * 501}, "message.to: .*500"),
    "100,000 recipients": ({**GOOD, "to": [{"user_id": "a"}] * 100_000}, "message.to: .*500"),
    "an address that is a number": ({**GOOD, "to": {"email": 1}}, "message.to.email: "),
    "an address of two lines": (
        {**GOOD, "to": {"email": "a@b.c\nBcc: d@e.f"}},
        "message.to.email: .*line break",
    ),
    "a number of two lines": ({**GOOD, "to": {"phone_number": "+1\r\n+2"}}, "message.to.phone_number: "),
    "a pattern that is none": ({**GOOD, "to": {"list_pattern": "po*"}}, "message.to.list_pattern: must be"),
    "a long user id": ({**GOOD, "to": {"user_id": LONG}}, "message.to.user_id: "),
    "a long template": ({"to": TO, "template": LONG}, "message.template: "),
    "content and template": ({**GOOD, "template": "t"}, "exactly one of 'template' and 'content'"),
    "neither": ({"to": TO}, "exactly one of 'template' and 'content'"),
    "content that is a text": ({"to": TO, "content": "hello"}, "message.content: "),
    "content that is empty": ({"to": TO, "content": {}}, "message.content: "),
    "a title that is a number": ({"to": TO, "content": {"title": 1, "body": "x"}}, "message.content.title: "),
    "elements that are no list": ({"to": TO, "content": {"elements": {}}}, "message.content.elements"),
    "an element without a type": (
        {"to": TO, "content": {"elements": [{"content": "x"}]}},
        r"message.content.elements\[0\].type",
    ),
    "too many elements": (
        {"to": TO, "content": {"elements": [{"type": "divider"}] * 1000}},
        "at most 500 elements",
    ),
    "an unknown method": ({**GOOD, "routing": via("email", method="random")}, "message.routing.method: "),
    "no method": ({**GOOD, "routing": {"channels": ["email"]}}, "message.routing.method: "),
    "no channels": ({**GOOD, "routing": {"method": "all"}}, "message.routing.channels: "),
    "a routing that is a list": ({**GOOD, "routing": ["email"]}, "message.routing: "),
    "a channel that is a number": ({**GOOD, "routing": via(1)}, r"message.routing.channels\[0\]: "),
    "an unknown method below": (
        {**GOOD, "routing": via("sms", via("email", method="some"))},
        r"message.routing.channels\[1\].method: ",
    ),
    "too many channels": ({**GOOD, "routing": via(*["email"] * 1000)}, "at most 100 entries"),
    "data that is a list": ({**GOOD, "data": []}, "message.data: "),
    "a delay that is a text": ({**GOOD, "delay": {"duration": "soon"}}, "message.delay.duration: "),
    "a delay below nothing": ({**GOOD, "delay": {"duration": -1}}, "message.delay.duration: "),
    "a delay of ages": ({**GOOD, "delay": {"duration": 10**15}}, "message.delay.duration: "),
    "two delays": ({**GOOD, "delay": {"duration": 1, "until": "2020-01-01"}}, "message.delay: .*not both"),
    "hours that cannot be read": ({**GOOD, "delay": {"until": "Mo-Fr 9-17"}}, "message.delay.until: "),
    "a day that never comes": ({**GOOD, "delay": {"until": "Feb 30: 09:00-17:00"}}, "message.delay.until: "),
    "an unknown zone": ({**GOOD, "delay": {"duration": 1, "timezone": "Mars"}}, "message.delay.timezone: "),
    "a date that is none": ({**GOOD, "delay": {"until": "2030-02-31"}}, "message.delay.until: "),
    "ten tags": ({**GOOD, "metadata": {"tags": ["t"] * 10}}, "message.metadata.tags: "),
    "a long tag": ({**GOOD, "metadata": {"tags": ["t" * 31]}}, r"message.metadata.tags\[0\]: "),
    "a timeout that is a text": ({**GOOD, "timeout": {"message": "x"}}, "message.timeout.message: "),
    "NUL in the content": ({"to": TO, "content": {"title": "a\0b", "body": "x"}}, "NUL"),
    "NUL in the data": ({**GOOD, "data": {"a": [{"b": "\0"}]}}, r"message.data.a\[0\].b: .*NUL"),
    "NUL in a key": ({**GOOD, "data": {"a\0b": 1}}, "NUL"),
    "NUL in a user id": ({**GOOD, "to": {"user_id": "a\0"}}, "message.to.user_id: .*NUL"),
    "half a surrogate pair": ({**GOOD, "data": {"a": "\ud800"}}, "message.data.a: .*surrogate"),
    "a number of 70 bits": ({**GOOD, "data": {"a": 2**70}}, "message.data.a: .*64 bits"),
    "a header of two lines": (
        {**GOOD, "to": {"webhook": {"url": "http://127.0.0.1/", "headers": {"X-A": "b\r\nX-C: d"}}}},
        "message.to.webhook.headers.X-A: .*line breaks",
    ),
    "a header name of two lines": (
        {**GOOD, "to": {"webhook": {"url": "http://127.0.0.1/", "headers": {"X-A: b\nX-C": "d"}}}},
        "is not a header name",
    ),
    "a webhook without URL": ({**GOOD, "to": {"webhook": {}}}, "message.to.webhook.url: "),
    "a webhook to a file": (
        {**GOOD, "to": {"webhook": {"url": "file:///etc/passwd"}}},
        "message.to.webhook.url: ",
    ),
    "a webhook of two lines": (
        {**GOOD, "to": {"webhook": {"url": "http://127.0.0.1/ HTTP/1.1\r\nX: y"}}},
        "message.to.webhook.url: ",
    ),
    "a webhook by a strange method": (
        {**GOOD, "to": {"webhook": {"url": "http://127.0.0.1/", "method": "TRACE"}}},
        "message.to.webhook.method: ",
    ),
}


@pytest.mark.parametrize(("message", "named"), BAD_MESSAGES.values(), ids=BAD_MESSAGES.keys())
def test_a_message_that_makes_no_sense_is_refused_with_the_place(
    http: Http, message: Any, named: str
) -> None:
    words = refusal(http.send(message))
    assert re.search(named, words), words


def test_a_refused_message_leaves_nothing_behind(http: Http, client: Courier) -> None:
    user = fresh("user")
    refusal(http.send({"to": [{"user_id": user}, {}], "content": SUGAR}))
    refusal(http.send({"to": {"user_id": user}, "content": SUGAR, "delay": {"duration": "x"}}))
    assert client.messages.list(recipient=user).results == []


def test_much_data_is_carried(client: Courier) -> None:
    data = {"rows": [{"n": n, "text": "x" * 50} for n in range(30_000)]}
    id_ = send(client, TO, {"title": "{{rows.29999.n}}", "body": "x"}, data=data)
    assert ended(client, id_).status == "SENT"
    assert client.messages.content(id_).results[0].content.subject == "29999"


def test_what_is_not_known_is_ignored(http: Http) -> None:
    message = {**GOOD, "colour": "red", "metadata": {"mood": "good"}, "content": {**SUGAR, "font": 1}}
    assert http("POST", "/send", json={"message": message, "version": 3}).status_code == 202


# --- ids, queries and headers --------------------------------------------------------------------


@pytest.mark.parametrize(
    "id_", ["a\0b", "x" * 20_000, "\udcff", "%", "../../etc/passwd", "'; DROP TABLE message"]
)
@pytest.mark.parametrize("kind", ["messages", "profiles", "notifications", "providers"])
def test_no_id_does_any_harm(http: Http, kind: str, id_: str) -> None:
    path = f"/{kind}/{quote(id_.encode(errors='surrogateescape'), safe='')}"
    answer = http("GET", path)
    assert answer.status_code in {400, 404}
    refusal(answer, answer.status_code, answer.json()["type"])
    body = {"profile": {"email": "a@example.com"}, "notification": None, "provider": "smtp"}
    assert http("PUT", path, json=body).status_code < 500


@pytest.mark.parametrize(
    "query",
    [
        "cursor=nonsense",
        "cursor=%00",
        "cursor=YTo",
        f"cursor={'A' * 5000}",
        "status=NONSENSE",
        "status=SENT%2Cx",
        "enqueued_after=yesterday",
        "enqueued_after=99999999999999999999",
        "archived=perhaps",
    ],
)
def test_a_query_that_makes_no_sense_is_refused(http: Http, query: str) -> None:
    refusal(http("GET", f"/messages?{query}"))


@pytest.mark.parametrize("name", ["recipient", "event", "notification", "traceId", "tag", "tags", "provider"])
@pytest.mark.parametrize("value", ["%00", "%ff%fe", "%ED%A0%80", "x" * 5000])
def test_a_filter_finds_nothing_or_is_refused(http: Http, name: str, value: str) -> None:
    answer = http("GET", f"/messages?{name}={value}")
    if answer.status_code == 200:
        assert answer.json()["results"] == []
    else:
        refusal(answer)


@pytest.mark.parametrize(
    "headers",
    [
        {"Idempotency-Key": "k" * 300},
        {"Idempotency-Key": "k", "x-idempotency-expiration": "tomorrow"},
        {"Idempotency-Key": "k", "x-idempotency-expiration": "9" * 40},
        {"Idempotency-Key": "k", "x-idempotency-expiration": "0"},
    ],
)
def test_a_header_that_makes_no_sense_is_refused(http: Http, headers: dict[str, str]) -> None:
    refusal(http.send(GOOD, headers=headers))
    refusal(http("POST", "/profiles/ada", json={"profile": {"a": 1}}, headers=headers))


@pytest.mark.parametrize("key", [b"pk_test_\xfc\xff", b"", b"x" * 10_000])
@pytest.mark.parametrize("scheme", [b"Bearer ", b"Basic ", b"bearer", b""])
def test_a_key_of_any_bytes_opens_nothing(http: Http, key: bytes, scheme: bytes) -> None:
    answer = http("GET", "/messages", headers={"Authorization": scheme + key})
    refusal(answer, 401, "authentication_error")


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nowhere"), ("DELETE", "/send"), ("PATCH", "/messages")]
)
def test_what_is_not_there_is_said_in_the_same_words(http: Http, method: str, path: str) -> None:
    answer = http(method, path)
    assert answer.status_code in {404, 405}
    assert answer.json().keys() == {"type", "message"}


# --- templates -----------------------------------------------------------------------------------

REFUSED_SOURCES = {
    "{{ ''.__class__ }}": "__class__",
    "{{ data['__class__'].__mro__ }}": "__",
    "{{ x|attr('__class__') }}": "attr",
    "{% for a in range(1000000000) %}x{% endfor %}": "range",
    "{% include '/etc/passwd' %}": "include",
    "{% import 'os' as os %}": "import",
    "{{ cycler.__init__.__globals__.os.popen('id').read() }}": "line 1",
    "{{ name": "line 1",
    "{{ 9 ** 9 ** 9 ** 9 }}": "**",
    "{% if %}": "line 1",
    "{{#if name}}x{{/if}}": "{% if",
    "{{#each items}}x{{/each}}": "{% for",
}


@pytest.mark.parametrize(("source", "named"), REFUSED_SOURCES.items(), ids=REFUSED_SOURCES.keys())
def test_a_template_that_may_not_be_is_refused_when_it_is_given(http: Http, source: str, named: str) -> None:
    for content in ({"title": source, "body": "x"}, {"elements": [{"type": "text", "content": source}]}):
        words = refusal(http.send({"to": TO, "content": content}))
        assert words.startswith("message.content.")
        assert named in words
    content = {"version": "2022-01-01", "elements": [block("sms", [{"type": "text", "content": source}])]}
    template = {"name": "x", "tags": [], "brand": None, "subscription": None, "routing": None}
    words = refusal(http("POST", "/notifications", json={"notification": {**template, "content": content}}))
    assert words.startswith("notification.content.elements[0].elements[0].content: ")
    assert named in words


FAILING_SOURCES = {
    "a loop in a loop in a loop": (
        "{% for a in l %}{% for b in l %}{% for c in l %}x{% endfor %}{% endfor %}{% endfor %}",
        "limit: steps",
    ),
    "a text that grows": ("{% for a in l %}{{ big }}{% endfor %}", "limit: output"),
    "a number without end": (
        "{% set a = 999999999 %}{% set b = a * a * a * a * a * a %}{{ b * b * b * b * b * b * b }}",
        "too large",
    ),
    "a text without end": ("{{ 'x' * 10000000000 }}", "line 1"),
    "a division by zero": ("line\n{{ 1 / 0 }}", "line 2"),
    "a loop over a number": ("{% for a in n %}x{% endfor %}", "list"),
}


@pytest.mark.parametrize(("source", "named"), FAILING_SOURCES.values(), ids=FAILING_SOURCES.keys())
def test_a_template_without_end_fails_its_message_with_the_reason(
    client: Courier, source: str, named: str
) -> None:
    data = {"l": list(range(300)), "n": 7, "big": "x" * 100_000}
    id_ = send(client, TO, {"title": "x", "body": source}, data=data)
    message = ended(client, id_)
    assert (message.status, message.reason) == ("UNDELIVERABLE", "FAILED")
    assert named in (message.error or "")
    (entry,) = history(client, id_, "UNDELIVERABLE")
    assert named in entry["error_message"]


def test_a_failing_template_does_not_take_its_neighbours_along(client: Courier) -> None:
    trace = fresh("trace")
    to = [{"email": f"n{n}@example.com", "data": {"n": 1 if n % 2 else 0}} for n in range(10)]
    send(client, to, {"title": "x", "body": "{{ 1 / n }}"}, metadata={"trace_id": trace})
    found = until(lambda: _ten(client, trace), "ten messages")
    assert sorted(ended(client, one).status for one in found) == ["SENT"] * 5 + ["UNDELIVERABLE"] * 5


def _ten(client: Courier, trace: str) -> list[str]:
    found = [one.id for one in client.messages.list(trace_id=trace).results]
    return found if len(found) == 10 else []


def test_data_is_never_a_template(client: Courier) -> None:
    id_ = send(client, TO, {"title": "{{ name }}", "body": "x"}, data={"name": "{{ 7 * 7 }}{% for %}"})
    assert ended(client, id_).status == "SENT"
    assert client.messages.content(id_).results[0].content.subject == "{{ 7 * 7 }}{% for %}"


# --- what would leave the house ------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "http://10.0.0.1/",
        "http://169.254.169.254/latest/meta-data/",
        "http://192.168.1.1:8080/",
        "http://[::1]:80/",
        "http://[fe80::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://0.0.0.0/",
        "http://0x0a000001/",
        "http://167772161/",
    ],
)
def test_a_webhook_to_a_private_address_is_not_called(production: Courier, url: str) -> None:
    id_ = send(production, {"webhook": {"url": url}})
    message = ended(production, id_)
    assert message.status == "UNDELIVERABLE"
    (entry,) = history(production, id_, "UNDELIVERABLE")
    assert re.search("private address|cannot be sent", entry["error_message"])
    assert entry["error_message"] in (message.error or "")


def test_a_slack_webhook_and_an_override_may_not_lead_there_either(production: Courier) -> None:
    slack = {"slack": {"incoming_webhook": {"url": "http://10.0.0.1/services/x"}}}
    override = {"webhook": {"override": {"url": "http://10.0.0.1/"}}}
    for to, more in ((slack, {}), ({"webhook": {"url": "http://127.0.0.1:1/"}}, {"providers": override})):
        message = ended(production, send(production, to, **more))
        assert message.status == "UNDELIVERABLE"
        assert "private address" in (message.error or "")


def test_a_redirect_is_not_followed(production: Courier, outside: Outside) -> None:
    word = fresh("word")
    to = {"webhook": {"url": f"{outside.vendors.url}/hook/elsewhere"}}
    message = ended(production, send(production, to, data={"word": word}))
    assert message.status == "UNDELIVERABLE"
    assert "302" in (message.error or "")
    calls = [one for one in outside.vendors.of("hook") if word.encode() in one.body]
    assert [one.path for one in calls] == ["/hook/elsewhere"]


TWO_LINES = "Ada\r\nBcc: eve@example.com\r\n\r\nbody"


@pytest.mark.parametrize("override", [{}, {"smtp": {"override": {"subject": "Hi " + TWO_LINES}}}])
def test_a_subject_from_data_stays_one_line(
    production: Courier, outside: Outside, override: dict[str, Any]
) -> None:
    to = address("ada")
    content = {"title": "Hi {{name}}", "body": "x"}
    id_ = send(production, {"email": to}, content, data={"name": TWO_LINES}, providers=override)
    assert ended(production, id_).status == "SENT"
    (mail,) = outside.mail.to(to)
    assert mail.recipients == (to,)
    assert mail.message["bcc"] is None
    assert mail.message["subject"] == "Hi Ada Bcc: eve@example.com body"


OVERRIDES = {
    "from": {"from": "x\r\nBcc: eve@example.com"},
    "reply_to": {"reply_to": "a@example.com\nBcc: eve@example.com"},
    "headers": {"headers": {"X-A": "b\r\nBcc: eve@example.com"}},
    "header names": {"headers": {"X-A: b\r\nBcc": "eve@example.com"}},
    "attachments": {"attachments": [{"filename": "a\r\nX: y", "data": "eA=="}]},
}


@pytest.mark.parametrize("override", OVERRIDES.values(), ids=OVERRIDES.keys())
def test_a_mail_header_of_two_lines_fails_with_the_reason(
    production: Courier, outside: Outside, override: dict[str, Any]
) -> None:
    to = address("ada")
    id_ = send(production, {"email": to}, routing=via("smtp"), providers={"smtp": {"override": override}})
    message = ended(production, id_)
    assert message.status == "UNDELIVERABLE"
    assert attempts(message)[0]["error"]
    assert history(production, id_, "UNDELIVERABLE")[0]["error_message"]
    assert not outside.mail.to(to)


def test_an_answer_without_end_is_cut_off(production: Courier) -> None:
    with HttpLab() as endless:
        endless.script(Reply(status=200, body=b"x" * 5_000_000))
        message = ended(production, send(production, {"webhook": {"url": endless.url}}))
    assert message.status == "DELIVERED"


# --- afterwards ----------------------------------------------------------------------------------


def test_afterwards_the_same_processes_send_an_ordinary_message(
    instance: Running, production: Courier, outside: Outside, before: dict[str, frozenset[int]]
) -> None:
    to = address("ada")
    id_ = send(production, {"email": to})
    assert ended(production, id_).status == "SENT"
    assert len(outside.mail.to(to)) == 1
    assert instance.servants() == before
    assert requests.get(f"{instance.ready.base_url}/health/ready").status_code == 200
