"""``/messages``: what an operator finds out about what was sent."""

from datetime import timedelta
from typing import Any

import pytest

from notify import clock
from tests import factories
from tests.integration.harness import Api, Pipeline, pages
from tests.servers import ProviderLab


@pytest.fixture
def sent(sandbox: Api, pipeline: Pipeline) -> dict[str, str]:
    """Messages by a name that says what is special about each."""
    template = sandbox.template(alias="welcome")
    to = {"user_id": "ada", "email": factories.ADA}
    email = {"method": "single", "channels": ["email"]}
    ids = {
        "plain": sandbox.send(),
        "user": sandbox.send(to=to),
        "event": sandbox.send(metadata={"event": "signup"}),
        "traced": sandbox.send(metadata={"trace_id": "t-1"}),
        "tagged": sandbox.send(metadata={"tags": ["a", "b"]}),
        "tagged less": sandbox.send(metadata={"tags": ["b"]}),
        "template": sandbox.send(template="welcome", routing=email),
        "tenant": sandbox.send(to=to, context={"tenant_id": "acme"}),
        "unmapped": sandbox.send(template="nt_missing"),
        "sms": sandbox.send(to={"phone_number": factories.PHONE}),
        "many": sandbox.send(to=[to, {"user_id": "grace", "email": "grace@example.com"}]),
    }
    pipeline.drain()
    return {**ids, "template id": template}


def _found(api: Api, sent: dict[str, str], **filters: Any) -> set[str]:
    """The names of the messages that are found."""
    names = {id_: name for name, id_ in sent.items()}
    return {
        names.get(message["id"], names.get(message["requestId"], "?")) for message in api.messages(**filters)
    }


FOUND: list[tuple[dict[str, Any], set[str]]] = [
    ({"recipient": "ada"}, {"user", "tenant", "many"}),
    ({"recipient": "ada", "tenant_id": "acme"}, {"tenant"}),
    ({"recipient": "nobody"}, set()),
    ({"event": "signup"}, {"event"}),
    ({"event": "welcome"}, {"template"}),
    ({"notification": "welcome"}, {"template"}),
    ({"traceId": "t-1"}, {"traced"}),
    ({"tag": "b"}, {"tagged", "tagged less"}),
    ({"tag": ["a", "b"]}, {"tagged"}),
    ({"tag": "a,b"}, {"tagged"}),
    ({"tags": "a,c"}, {"tagged"}),
    ({"tags": "a,b"}, {"tagged", "tagged less"}),
    ({"status": "UNMAPPED"}, {"unmapped"}),
    ({"status": "UNMAPPED,CLICKED"}, {"unmapped"}),
    ({"status": ["UNMAPPED", "CLICKED"]}, {"unmapped"}),
    ({"status": "SENT", "event": "signup"}, {"event"}),
    ({"status": "SENT", "provider": "twilio"}, set()),
    ({"messageId": "nonsense"}, set()),
    ({"archived": "true", "event": "signup"}, {"event"}),
    ({"enqueued_after": "2100-01-01"}, set()),
    ({"unknown": "ignored", "event": "signup"}, {"event"}),
]


def test_filters_combine(sandbox: Api, sent: dict[str, str]) -> None:
    found = {str(filters): _found(sandbox, sent, **filters) for filters, _ in FOUND}
    assert found == {str(filters): names for filters, names in FOUND}


def test_without_filters_everything_is_found_newest_first(sandbox: Api, sent: dict[str, str]) -> None:
    found = sandbox.messages()
    assert len(found) == 12
    assert [message["enqueued"] for message in found] == sorted(
        (message["enqueued"] for message in found), reverse=True
    )


def test_messages_are_found_by_id_and_by_request(sandbox: Api, sent: dict[str, str]) -> None:
    assert _found(sandbox, sent, messageId=sent["plain"]) == {"plain"}
    assert len(sandbox.messages(traceId=sent["many"])) == 2


def test_messages_are_found_by_provider(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    api.configure("twilio", factories.twilio(lab))
    email, sms = api.send(), api.send(to={"phone_number": factories.PHONE})
    pipeline.drain()
    assert [message["id"] for message in api.messages(provider="sendgrid")] == [email]
    assert {message["id"] for message in api.messages(provider="sendgrid,twilio")} == {email, sms}


@pytest.mark.parametrize("form", ["ms", "iso"])
def test_messages_are_found_by_time(sandbox: Api, form: str) -> None:
    sandbox.send()
    at = clock.now()
    later = sandbox.send()
    value = str(clock.to_ms(at)) if form == "ms" else at.isoformat()
    assert later in {message["id"] for message in sandbox.messages(enqueued_after=value)}
    future = clock.now() + timedelta(minutes=1)
    assert sandbox.messages(enqueued_after=future.isoformat()) == []


def test_pages_hold_a_hundred_and_stay_in_step_while_new_messages_arrive(
    sandbox: Api, pipeline: Pipeline
) -> None:
    sandbox.send(to=[{"user_id": f"user-{number}"} for number in range(150)])
    pipeline.drain()
    seen: list[str] = []
    for number, page in enumerate(pages(sandbox)):
        seen += [message["id"] for message in page]
        assert len(page) == (100, 50)[number]
        sandbox.send(to=[{"user_id": "late"}, {"user_id": "later"}])
        pipeline.drain()
    assert len(seen) == len(set(seen)) == 150


def test_a_cursor_keeps_its_filters(sandbox: Api, pipeline: Pipeline) -> None:
    metadata = {"event": "bulk"}
    sandbox.send(to=[{"user_id": f"user-{number}"} for number in range(101)], metadata=metadata)
    sandbox.send(metadata={"event": "other"})
    pipeline.drain()
    found = [message for page in pages(sandbox, event="bulk") for message in page]
    assert len(found) == 101
    assert {message["event"] for message in found} == {"bulk"}


@pytest.mark.parametrize(
    ("filters", "said"),
    [
        ({"status": "SENDED"}, "status: 'SENDED'"),
        ({"status": "SENT,sent"}, "status: 'sent'"),
        ({"cursor": "nonsense"}, "cursor"),
        ({"cursor": "YTpub25zZW5zZQ"}, "cursor"),
        ({"enqueued_after": "yesterday"}, "enqueued_after"),
        ({"enqueued_after": "9" * 25}, "enqueued_after"),
        ({"archived": "perhaps"}, "archived"),
        ({"recipient": "nul\0"}, "NUL"),
        ({"tag": "nul\0"}, "NUL"),
    ],
    ids=str,
)
def test_filters_that_make_no_sense_are_refused(sandbox: Api, filters: dict[str, str], said: str) -> None:
    answer = sandbox.get("/messages", params=filters)
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")
    assert said in answer.json()["message"]


def test_the_history_can_be_narrowed_to_a_type(sandbox: Api, sent: dict[str, str]) -> None:
    id_ = sent["template"]
    assert sandbox.happened(id_) == [
        "ENQUEUED", "MAPPED", "PROFILE_LOADED", "ROUTED", "RENDERED", "DELIVERING", "SENT",
    ]  # fmt: skip
    for type_ in ("ENQUEUED", "MAPPED", "SENT"):
        assert [entry["type"] for entry in sandbox.history(id_, type_)] == [type_]
    assert sandbox.history(id_, "CLICKED") == []


@pytest.mark.parametrize("type_", ["NONSENSE", "sent", "ROUTED", "\0"])
def test_an_unknown_type_of_history_is_refused(sandbox: Api, sent: dict[str, str], type_: str) -> None:
    answer = sandbox.get(f"/messages/{sent['plain']}/history", params={"type": type_})
    assert (answer.status_code, answer.json()["type"]) == (400, "invalid_request_error")


def test_the_history_tells_what_was_asked(sandbox: Api, pipeline: Pipeline) -> None:
    to = {"user_id": "ada", "email": factories.ADA}
    id_ = sandbox.send(to=to, data={"a": 1}, metadata={"event": "signup"})
    pipeline.drain()
    (entry,) = sandbox.history(id_, "ENQUEUED")
    assert {key: entry[key] for key in ("event", "recipient", "data", "profile")} == {
        "event": "signup",
        "recipient": "ada",
        "data": {"a": 1},
        "profile": to,
    }
    (rendered,) = sandbox.history(id_, "RENDERED")
    (output,) = sandbox.get(f"/messages/{id_}/output").json()["results"]
    assert rendered["channel"]["id"] == output["channel_id"]
    assert sandbox.get(rendered["output"]["html"]).status_code == 200


def test_an_address_is_not_a_recipients_name(sandbox: Api, sent: dict[str, str]) -> None:
    assert factories.ADA not in str(sandbox.messages())


@pytest.mark.parametrize("path", ["", "/history", "/output"])
@pytest.mark.parametrize("id_", ["nonsense", "1-00000000-000000000000000000000000", "%00", "1-5e2b2615%2F"])
def test_a_message_that_does_not_exist(sandbox: Api, path: str, id_: str) -> None:
    answer = sandbox.get(f"/messages/{id_}{path}")
    expected = (400, "invalid_request_error") if id_ == "%00" else (404, "not_found")
    assert (answer.status_code, answer.json()["type"]) == expected


def test_the_worlds_have_messages_of_their_own(sandbox: Api, api: Api, sent: dict[str, str]) -> None:
    for path in ("", "/history", "/output"):
        assert api.get(f"/messages/{sent['plain']}{path}").status_code == 404
    assert api.messages() == api.messages(messageId=sent["plain"]) == []
