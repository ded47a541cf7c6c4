"""The send request: what is accepted in which spellings, what is refused with which words and where."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from notify import clock
from notify.model.storable import MAX_DEPTH, find_fault, find_nul
from notify.model.wire import (
    ChannelEntry,
    RecipientKind,
    Routing,
    SendMessage,
    SendRequest,
    is_fanout,
    recipients,
)

USER = {"user_id": "u"}
YEAR_MS = 365 * 24 * 3600 * 1000
NOW = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: NOW)


def body(**message: Any) -> dict[str, Any]:
    if "content" not in message:
        message.setdefault("template", "t")
    message.setdefault("to", USER)
    return {"message": message}


def parsed(**message: Any) -> SendMessage:
    return SendRequest.model_validate_json(json.dumps(body(**message))).message


def refusal(request: Any) -> list[str]:
    """The problems as the API words them, the same from JSON and from Python objects."""
    with pytest.raises(ValidationError) as from_python:
        SendRequest.model_validate(request)
    with pytest.raises(ValidationError) as from_json:
        SendRequest.model_validate_json(json.dumps(request))
    texts = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in from_python.value.errors()]
    assert len(texts) == from_json.value.error_count()
    return texts


# --- what is refused -------------------------------------------------------------------------------


def nested_routing(depth: int) -> dict[str, Any]:
    routing: dict[str, Any] = {"method": "all", "channels": ["email"]}
    for _ in range(depth - 1):
        routing = {"method": "all", "channels": [routing]}
    return routing


TEAMS = {"tenant_id": "11111111-2222-3333-4444-555555555555"}
OTHER_TEAM = "https://smba.example.net/99999999-2222-3333-4444-555555555555/"


@pytest.mark.parametrize(
    ("message", "problem"),
    [
        ({"to": None}, "message.to: Input should be a recipient"),
        ({"to": "ada"}, "message.to: Input should be a recipient"),
        ({"to": {}}, "message.to: names no recipient"),
        ({"to": {"locale": "fr", "data": {}}}, "message.to: names no recipient"),
        ({"to": {"email": ""}}, "message.to: names no recipient"),
        ({"to": {"user_id": ""}}, "message.to: names no recipient"),
        ({"to": {"user_id": "", "email": "a"}}, "message.to.user_id: String should have at least 1"),
        ({"to": {"user_id": "x" * 513}}, "message.to.user_id: String should have at most 512"),
        ({"to": {"user_id": 5}}, "message.to.user_id: Input should be a valid string"),
        ({"to": {"email": ["a"]}}, "message.to.email: Input should be a valid string"),
        ({"to": {"email": "x" * 321}}, "message.to.email: String should have at most 320"),
        ({"to": {"email": "a@b.c\r\nBcc: x"}}, "message.to.email: may not contain line breaks"),
        ({"to": {**USER, "data": []}}, "message.to.data: Input should be a"),
        ({"to": {**USER, "context": "t"}}, "message.to.context: "),
        ({"to": []}, "message.to: List should have at least 1 item"),
        ({"to": [USER] * 501}, "message.to: List should have at most 500 items"),
        ({"to": [USER, {"email": 5}]}, "message.to.1.email: Input should be a valid string"),
        ({"to": [USER, 7]}, "message.to.1: Input should be a recipient"),
        ({"to": {"list_id": ""}}, "message.to.list_id: String should have at least 1"),
        ({"to": {"list_id": 5}}, "message.to.list_id: Input should be a valid string"),
        ({"to": {"list_pattern": "po*"}}, "message.to.list_pattern: must be 1 to 4 parts"),
        ({"to": {"audience_id": "x" * 513}}, "message.to.audience_id: String should have at most 512"),
        (
            {"to": {"list_id": "l", "filters": [5]}},
            "message.to.filters.0: Input should be a valid dictionary",
        ),
        ({"to": [USER, {"list_id": 5}]}, "message.to.1.list_id: Input should be a valid string"),
        ({"to": {"webhook": {}}}, "message.to.webhook.url: Field required"),
        ({"to": {"webhook": {"url": "ftp://x"}}}, "message.to.webhook.url: must be an http or https URL"),
        ({"to": {"webhook": {"url": "http://"}}}, "message.to.webhook.url: must be an http or https URL"),
        ({"to": {"webhook": {"url": "http://[x"}}}, "message.to.webhook.url: must be an http or https URL"),
        ({"to": {"webhook": {"url": "http://x/\n"}}}, "message.to.webhook.url: must be an http or https URL"),
        ({"to": {"webhook": {"url": "http://x:99999"}}}, "message.to.webhook.url: must be an http or https"),
        (
            {"to": {"webhook": {"url": "http://x", "headers": {"a": "b\r\nc"}}}},
            "message.to.webhook.headers.a: may not contain line breaks",
        ),
        (
            {"to": {"webhook": {"url": "http://x", "headers": {"a\nb": "c"}}}},
            "message.to.webhook.headers.a\nb: is not a header name",
        ),
        ({"to": {"webhook": {"url": "http://x", "method": "PATCH"}}}, "message.to.webhook.method: Input"),
        ({"to": {"slack": {}}}, "message.to.slack: needs 'access_token'"),
        ({"to": {"slack": {"access_token": "x"}}}, "message.to.slack: needs one of 'channel'"),
        ({"to": {"ms_teams": {**TEAMS}}}, "message.to.ms_teams: needs one of 'user_id'"),
        ({"to": {"ms_teams": {**TEAMS, "channel_name": "x"}}}, "message.to.ms_teams: needs one of 'user_id'"),
        ({"to": {"ms_teams": {"email": "a"}}}, "message.to.ms_teams: needs 'tenant_id' or 'service_url'"),
        ({"to": {"ms_teams": {**TEAMS, "conversation_id": "a"}}}, "message.to.ms_teams: needs both"),
        (
            {"to": {"ms_teams": {**TEAMS, "service_url": OTHER_TEAM, "email": "a"}}},
            "message.to.ms_teams.service_url: 'service_url' and 'tenant_id' name different",
        ),
        ({"template": None}, "message: Give exactly one of 'template' and 'content'"),
        ({"template": "t", "content": {"title": "x"}}, "message: Give exactly one of"),
        ({"content": {}}, "message.content: Give 'elements', or 'title' and 'body'"),
        ({"content": "hi"}, "message.content: Input should be an object"),
        ({"content": {"elements": ["x"]}}, "message.content.elements.0: Input should be a"),
        ({"data": [1]}, "message.data: Input should be a"),
        ({"metadata": {"tags": ["x"] * 10}}, "message.metadata.tags: List should have at most 9 items"),
        ({"metadata": {"tags": ["x" * 31]}}, "message.metadata.tags.0: String should have at most 30"),
        (
            {"delay": {"duration": 1, "until": "2030-01-02"}},
            "message.delay: Give 'duration' or 'until', not both",
        ),
        ({"delay": {"duration": -1}}, "message.delay.duration: Input should be greater than or equal to 0"),
        ({"delay": {"duration": YEAR_MS + 1}}, "message.delay.duration: Input should be less than or equal"),
        ({"delay": {"until": "2031-01-02"}}, "message.delay.until: A delay may last at most a year"),
        ({"delay": {"until": "Mo-Fr 9-17"}}, "message.delay.until: 'Mo-Fr 9-17' cannot be read"),
        ({"delay": {"until": "Feb 30: 09:00-17:00"}}, "message.delay.until: Feb has no day 30"),
        ({"delay": {"until": "Mo-Fr 09:00-17:00; PH off"}}, "message.delay.until: Exceptions and holi"),
        ({"delay": {"until": "Mo 09:00-17:00", "timezone": "Mars"}}, "message.delay.timezone: 'Mars'"),
        ({"delay": {"until": "tomorrow"}}, "message.delay.until: Input should be an ISO 8601 timestamp"),
        ({"delay": {"until": "0001-01-01T00:00+23:00"}}, "message.delay.until: Input should be an ISO"),
        ({"delay": {"until": 5}}, "message.delay.until: Input should be an ISO 8601 timestamp"),
        ({"timeout": {"message": -1}}, "message.timeout.message: Input should be greater than or equal to 0"),
        ({"timeouts": {"channel": {"sms": -1}}}, "message.timeouts.channel.sms: Input should be greater"),
        ({"timeout": {"provider": "x"}}, "message.timeout.provider: Input should be a valid integer"),
        ({"timeout": {"criteria": "x"}}, "message.timeout.criteria: Input should be 'no-escalation', "),
        ({"expiry": {}}, "message.expiry: Give 'expires_in' or 'expires_at'"),
        ({"expiry": {"expires_in": "P"}}, "message.expiry.expires_in: Input should be milliseconds or an"),
        ({"expiry": {"expires_at": "soon"}}, "message.expiry.expires_at: Input should be an ISO 8601"),
        (
            {"routing": {"method": "any", "channels": []}},
            "message.routing.method: Input should be 'single' or 'all'",
        ),
        ({"routing": {"method": "all"}}, "message.routing.channels: Field required"),
        (
            {"routing": {"method": "all", "channels": ["a", {"method": "x", "channels": []}]}},
            "message.routing.channels.1.method: Input should be 'single' or 'all'",
        ),
        (
            {"routing": {"method": "all", "channels": [5]}},
            "message.routing.channels.0: Input should be a channel or provider key",
        ),
        (
            {"routing": {"method": "all", "channels": [{"providers": ["x"]}]}},
            "message.routing.channels.0.channel: Field required",
        ),
        (
            {"routing": {"method": "all", "channels": [{"channel": "sms", "providers": [5]}]}},
            "message.routing.channels.0.providers.0: Input should be a provider key or an object",
        ),
        ({"routing": nested_routing(9)}, "message.routing.channels: Routing may be nested at most 8 deep"),
        ({"routing": nested_routing(40)}, "message.routing.channels: Routing may be nested at most 8 deep"),
        (
            {"routing": {"method": "all", "channels": ["sms"] * 101}},
            "message.routing.channels: Routing may have at most 100 entries in total",
        ),
        (
            {"channels": {"email": {"routing_method": "x"}}},
            "message.channels.email.routing_method: Input should be 'single' or 'all'",
        ),
        ({"channels": {"email": {"timeouts": -1}}}, "message.channels.email.timeouts.channel: Input should"),
        ({"providers": {"smtp": {"timeout": -1}}}, "message.providers.smtp.timeout: Input should be greater"),
        ({"data": {"a": ["x\0"]}}, "message.data.a.0: Text may not contain NUL characters"),
        ({"data": {"a\0": 1}}, "message.data.a\0: Text may not contain NUL characters"),
        ({"anything": {"a": "\ud800"}}, "message.anything.a: Text may not contain NUL characters or half"),
        ({"data": {"a": 2**64}}, "message.data.a: Numbers must be finite, and integers fit in 64 bits"),
        ({"data": {"a": float("nan")}}, "message.data.a: Numbers must be finite"),
    ],
)
def test_what_is_refused(message: dict[str, Any], problem: str) -> None:
    (text,) = refusal(body(**message))
    assert text.startswith(problem)


@pytest.mark.parametrize(
    ("request_", "problem"),
    [
        ({}, "message: Field required"),
        ({"message": {"template": "t"}}, "message.to: Field required"),
        ({"message": {"to": USER}}, "message: Give exactly one of 'template' and 'content'"),
        ({"message": []}, "message: Input should be"),
        ([], ": Input should be"),
    ],
)
def test_what_is_no_message(request_: Any, problem: str) -> None:
    (text,) = refusal(request_)
    assert text.startswith(problem)


def test_what_is_nested_too_deep() -> None:
    value: Any = 1
    for _ in range(5000):
        value = {"a": value}
    with pytest.raises(ValidationError, match="nested at most 100 deep"):
        SendRequest.model_validate(body(data=value))
    with pytest.raises(ValidationError):
        SendRequest.model_validate(body(routing=nested_routing(5000)))


# --- what is accepted ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "read", "expected"),
    [
        ({"timeout": {"message": 5}}, lambda m: m.timeout.message, 5),
        ({"timeouts": {"message": 5}}, lambda m: m.timeout.message, 5),
        ({"timeout": 5}, lambda m: m.timeout.message, 5),
        ({"timeout": {"channel": 5}}, lambda m: m.timeout.channel, 5),
        ({"timeout": {"channel": {"sms": 5}}}, lambda m: m.timeout.channel, {"sms": 5}),
        ({"channels": {"sms": {"timeout": {"channel": 5}}}}, lambda m: m.channels["sms"].timeouts.channel, 5),
        ({"channels": {"sms": {"timeouts": 5}}}, lambda m: m.channels["sms"].timeouts.channel, 5),
        ({"channels": {"sms": {"if": "x"}}}, lambda m: m.channels["sms"].if_, "x"),
        (
            {"channels": {"sms": {"providers": ["a", {"provider": "b"}]}}},
            lambda m: [p.provider for p in m.channels["sms"].providers],
            ["a", "b"],
        ),
        ({"providers": {"smtp": {"timeouts": 5}}}, lambda m: m.providers["smtp"].timeouts, 5),
        ({"providers": {"smtp": {"timeout": {"provider": 5}}}}, lambda m: m.providers["smtp"].timeouts, 5),
        ({"delay": {"until": "2030-01-31"}}, lambda m: m.delay.until, datetime(2030, 1, 31, tzinfo=UTC)),
        ({"delay": {"until": "Mo-Fr 09:00-17:00"}}, lambda m: m.delay.until.rules, ("Mo-Fr 09:00-17:00",)),
        (
            {"delay": {"until": "2030-01-31T09:30-05:00"}},
            lambda m: m.delay.until,
            datetime(2030, 1, 31, 14, 30, tzinfo=UTC),
        ),
        (
            {"delay": {"until": "2030-01-31T09:30"}},
            lambda m: m.delay.until,
            datetime(2030, 1, 31, 9, 30, tzinfo=UTC),
        ),
        (
            {"delay": {"until": "2030-01-31T09:30:00+02:00"}},
            lambda m: m.delay.until,
            datetime(2030, 1, 31, 7, 30, tzinfo=UTC),
        ),
        (
            {"delay": {"until": "2020-01-31T09:30:00Z"}},
            lambda m: m.delay.until,
            datetime(2020, 1, 31, 9, 30, tzinfo=UTC),
        ),
        ({"delay": {"duration": YEAR_MS}}, lambda m: m.delay.duration, YEAR_MS),
        ({"expiry": {"expires_in": "P1DT4H"}}, lambda m: m.expiry.expires_in, "P1DT4H"),
        ({"expiry": {"expires_in": 5}}, lambda m: m.expiry.expires_in, 5),
        ({"expiry": {"expires_at": 1893456000}}, lambda m: m.expiry.expires_at, NOW),
        ({"expiry": {"expires_at": "1893456000000"}}, lambda m: m.expiry.expires_at, NOW),
        ({"expiry": {"expires_at": "2030-01-01T01:00+01:00"}}, lambda m: m.expiry.expires_at, NOW),
        ({"content": {"title": "x", "brand": {}}}, lambda m: m.content, {"title": "x", "brand": {}}),
        ({"unknown": 1}, lambda m: m.template, "t"),
        (
            {"routing": None, "data": None, "channels": None, "context": None},
            lambda m: (m.routing, m.data),
            (None, None),
        ),
        ({"data": {"a": "\\u0000"}}, lambda m: m.data, {"a": "\\u0000"}),
        ({"data": {"a": "🙂é"}}, lambda m: m.data, {"a": "🙂é"}),
    ],
)
def test_every_spelling_is_understood(
    message: dict[str, Any], read: Callable[[Any], Any], expected: Any
) -> None:
    assert read(parsed(**message)) == expected


def test_routing_entries() -> None:
    routing = parsed(
        routing={
            "method": "single",
            "channels": [
                "email",
                {"method": "all", "channels": ["sms", "push"]},
                {"channel": "email", "config": {}, "method": "all", "providers": ["a"], "if": "x"},
            ],
        }
    ).routing
    assert routing
    first, second, third = routing.channels
    assert isinstance(first, ChannelEntry)
    assert isinstance(second, Routing)
    assert isinstance(third, ChannelEntry)
    assert (first.channel, second.method, third.if_) == ("email", "all", "x")
    assert third.providers
    assert third.providers[0].provider == "a"


def test_routing_at_its_limits() -> None:
    assert parsed(routing=nested_routing(8)).routing
    assert parsed(routing={"method": "all", "channels": ["sms"] * 100}).routing


# --- recipients ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("to", "kind", "user_id"),
    [
        ({"user_id": "u"}, "user", "u"),
        ({"email": "a"}, "user", None),
        ({"firebaseToken": "x"}, "user", None),
        ({"tenant_id": "t", "expo": {"token": "x"}}, "user", None),
        ({"user_id": "u", "list_id": None, "tenant_id": "t"}, "user", "u"),
        ({"slack": {"access_token": "x", "email": "a"}}, "slack", None),
        ({"slack": {"incoming_webhook": {"url": "https://x.example"}}}, "slack", None),
        ({"slack": {"anything": 1}, "user_id": "u"}, "user", "u"),
        ({"ms_teams": {"service_url": "https://x.example", "channel_id": "c"}}, "ms_teams", None),
        ({"ms_teams": {**TEAMS, "channel_name": "c", "team_id": "t"}}, "ms_teams", None),
        ({"pagerduty": {}}, "pagerduty", None),
        ({"webhook": {"url": "https://x.example"}}, "webhook", None),
        ({"webhook": {"url": "https://x.example"}, "user_id": "u"}, "webhook", "u"),
    ],
)
def test_the_kinds_of_recipients(to: dict[str, Any], kind: str, user_id: str | None) -> None:
    (recipient,) = recipients(parsed(to=to))
    assert (recipient.kind, recipient.user_id) == (RecipientKind(kind), user_id)
    assert recipient.entry == to


def test_a_fanout_keeps_each_entry() -> None:
    message = parsed(to=[USER, {"email": "a", "data": {"x": 1}}])
    assert is_fanout(message)
    assert [recipient.user_id for recipient in recipients(message)] == ["u", None]
    assert is_fanout(parsed(to=[USER]))
    assert not is_fanout(parsed())


@pytest.mark.parametrize(
    ("to", "context", "expected"),
    [
        ({}, None, None),
        ({}, {"tenant_id": "m"}, "m"),
        ({"context": {"tenant_id": "c"}}, {"tenant_id": "m"}, "c"),
        ({"account_id": "a", "context": {"tenant_id": "c"}}, {"tenant_id": "m"}, "a"),
        ({"tenant_id": "t", "account_id": "a"}, None, "t"),
        ({"context": None}, {"tenant_id": "m"}, "m"),
    ],
)
def test_the_tenant(to: dict[str, Any], context: dict[str, Any] | None, expected: str | None) -> None:
    (recipient,) = recipients(parsed(to={**USER, **to}, context=context))
    assert recipient.tenant_id == expected


# --- as a whole ------------------------------------------------------------------------------------


def test_a_dump_reads_back_the_same() -> None:
    message = parsed(
        to=[USER, {"email": "a", "custom": {"x": [1]}}],
        routing={"method": "all", "channels": ["email", {"method": "single", "channels": ["sms"]}]},
        channels={"email": {"if": "x", "timeout": 5, "providers": ["a", {"provider": "b", "if": "y"}]}},
        providers={"smtp": {"timeouts": 5}},
        timeouts={"channel": {"sms": 5}, "provider": 7},
        delay={"until": "2030-01-31"},
        expiry={"expires_at": 1893456000},
    )
    assert SendMessage.model_validate(message.model_dump(mode="json", exclude_none=True)) == message
    assert SendMessage.model_validate_json(message.model_dump_json()) == message


def test_a_stored_delay_can_be_read_again_later(monkeypatch: pytest.MonkeyPatch) -> None:
    message = parsed(delay={"duration": None, "until": "2030-12-31"})
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(days=1000))
    assert SendMessage.model_validate_json(message.model_dump_json()) == message


def test_the_schema_names_every_spelling() -> None:
    schema = SendRequest.model_json_schema()
    entries = schema["$defs"]["Routing"]["properties"]["channels"]["items"]["anyOf"]
    assert {"type": "string"} in entries
    assert {"$ref": "#/$defs/Routing"} in entries
    to = schema["$defs"]["SendMessage"]["properties"]["to"]["anyOf"]
    assert {"$ref": "#/$defs/WebhookTo"} in to
    assert [one["maxItems"] for one in to if one.get("type") == "array"] == [500]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.sampled_from(["", "x", "u", "é", "\0", "\ud800", "email", "single", "all", "2030-01-01"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["user_id", "email", "method", "channels", "provider", "timeouts", "a\0"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=10,
)
FIELDS = sorted(SendMessage.model_fields)


@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.sampled_from(FIELDS), JSON, max_size=5))
def test_any_json_is_read_or_refused(message: dict[str, Any]) -> None:
    """Nothing but a validation error ever comes out, and what is read can be stored."""
    for request in ({"message": message}, body(**message)):
        try:
            SendRequest.model_validate(request)
        except ValidationError as error:
            error.errors()
        else:
            assert find_fault(request) is None


def broken(value: Any, depth: int = 0) -> bool:
    """The slow and plain way to say what ``find_fault`` says fast."""
    if isinstance(value, dict):
        return any(broken(item) for pair in value.items() for item in pair)
    if isinstance(value, list):
        return any(map(broken, value))
    if isinstance(value, str):
        return "\0" in value or not _encodes(value)
    if isinstance(value, int):
        return not -(2**63) <= value < 2**64
    return isinstance(value, float) and json.dumps(value) in {"NaN", "Infinity", "-Infinity"}


def _encodes(text: str) -> bool:
    try:
        return text.encode() is not None
    except UnicodeEncodeError:
        return False


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_a_fault_is_found_where_it_is(value: Any) -> None:
    fault = find_fault(value)
    assert (fault is not None) == broken(value)
    if fault:
        assert broken(at(value, fault.path)) or any(broken(part) for part in fault.path)


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for part in path:
        value = value[part]
    return value


def test_the_limits_of_what_can_be_stored() -> None:
    deep: Any = 1
    for _ in range(MAX_DEPTH):
        deep = [deep]
    assert find_fault(deep) is None
    assert find_fault([deep]) is not None
    assert find_nul({"a": [1, {"b": "x\0"}]}) == ("a", 1, "b")
    assert find_nul({"a": 2**70, "b": "fine"}) is None
    assert find_fault({"a": 2**64 - 1, "b": -(2**63)}) is None
