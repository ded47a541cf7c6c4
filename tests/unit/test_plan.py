"""plan: which entries survive, in which shape, with which timeouts; and how a message ends without one."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from notify.errors import ContentError
from notify.model.names import Channel
from notify.model.plan import PLAN, Final, Leaf, Method, Node, Plan, ProviderOption, SkipCode
from notify.model.status import Reason, Status
from notify.model.wire import ChannelSettings, ProviderSettings, Routing, SendMessage
from notify.routing.leaves import leaves_of
from notify.routing.plan import Subject, Timeouts, Unrouted, plan

NOW = datetime(2030, 1, 1, tzinfo=UTC)
PROFILE = {"email": "ada@example.com", "phone_number": "+15550100"}
EMAIL, SMS, CHAT, WEBHOOK = Channel.EMAIL, Channel.SMS, Channel.DIRECT_MESSAGE, Channel.WEBHOOK


def option(
    provider: str,
    *channels: Channel,
    alias: str | None = None,
    lacks: str | None = None,
    id_: str | None = None,
) -> ProviderOption:
    return ProviderOption(
        id=id_ or f"{provider}:{alias}" if alias else id_ or provider,
        provider=provider,
        alias=alias,
        channels=channels,
        missing=dict.fromkeys(channels, lacks),
    )


OPTIONS = [
    option("sendgrid", EMAIL, alias="main"),
    option("smtp", EMAIL),
    option("sendgrid", EMAIL, alias="second"),
    option("twilio", SMS),
    option("slack", CHAT),
]


def truth(condition: str) -> bool:
    if condition == "broken":
        raise ContentError("unexpected end")
    return condition == "true"


def planned(
    *entries: Any,
    method: str = "single",
    options: list[ProviderOption] = OPTIONS,
    serves: Callable[[Channel, str], bool] = lambda channel, provider: True,
    profile: dict[str, Any] = PROFILE,
    template_channels: dict[str, Any] | None = None,
    template_providers: dict[str, Any] | None = None,
    template_routing: dict[str, Any] | None = None,
    default_routing: dict[str, Any] | None = None,
    **message: Any,
) -> Plan | Unrouted:
    if entries:
        message["routing"] = {"method": method, "channels": list(entries)}
    if "template" not in message:
        message.setdefault("content", {"title": "t", "body": "b"})
    message.setdefault("to", {"user_id": "u"})
    return plan(
        Subject(
            message=SendMessage.model_validate(message),
            profile=profile,
            template_routing=Routing.model_validate(template_routing) if template_routing else None,
            default_routing=Routing.model_validate(default_routing) if default_routing else None,
            template_channels={
                k: ChannelSettings.model_validate(v) for k, v in (template_channels or {}).items()
            },
            template_providers={
                k: ProviderSettings.model_validate(v) for k, v in (template_providers or {}).items()
            },
        ),
        options=options,
        serves=serves,
        evaluate=truth,
        limits=Timeouts(),
        now=NOW,
    )


def drawn(entry: Node | Leaf) -> Any:
    """A tree as short text: ``["single", "0 email sendgrid:main,smtp"]``."""
    if isinstance(entry, Leaf):
        return f"{entry.key} {entry.channel} {','.join(candidate.id for candidate in entry.candidates)}"
    return [entry.method.value, *map(drawn, entry.entries)]


def shape(verdict: Plan | Unrouted) -> Any:
    assert isinstance(verdict, Plan), verdict
    return drawn(verdict.root)


def skips(verdict: Plan | Unrouted) -> list[tuple[str, str]]:
    return [(skip.entry, skip.code.value) for skip in verdict.skipped]


ALL_EMAIL = "sendgrid:main,smtp,sendgrid:second"


@pytest.mark.parametrize(
    ("entries", "message", "expected"),
    [
        (["email"], {}, ["single", f"0 email {ALL_EMAIL}"]),
        (["email", "sms"], {}, ["single", f"0 email {ALL_EMAIL}", "1 sms twilio"]),
        (["twilio"], {}, ["single", "0 sms twilio"]),
        (["sendgrid"], {}, ["single", "0 email sendgrid:main,sendgrid:second"]),
        (["sendgrid:second"], {}, ["single", "0 email sendgrid:second"]),
        ([{"channel": "email"}], {}, ["single", f"0 email {ALL_EMAIL}"]),
        ([{"channel": "email", "providers": ["smtp"]}], {}, ["single", "0 email smtp"]),
        (
            [{"channel": "email", "providers": ["smtp"]}],
            {"channels": {"email": {"providers": ["sendgrid"]}}},
            ["single", "0 email sendgrid:main,sendgrid:second"],
        ),
        # An entry that names a provider keeps to it.
        (["smtp"], {"channels": {"email": {"providers": ["sendgrid"]}}}, ["single", "0 email smtp"]),
        (
            ["email"],
            {"channels": {"email": {"providers": ["smtp", "mailgun", "sendgrid:second", "smtp"]}}},
            ["single", "0 email smtp,sendgrid:second"],
        ),
        # A provider of another channel is of no use to this one.
        (
            ["email"],
            {"channels": {"email": {"providers": ["twilio", "smtp"]}}},
            ["single", "0 email smtp"],
        ),
        (
            ["email"],
            {"channels": {"email": {"routing_method": "all"}}},
            ["single", ["all", "0.0 email sendgrid:main,sendgrid:second", "0.1 email smtp"]],
        ),
        (
            [{"channel": "email", "method": "all", "providers": ["smtp", "sendgrid:main"]}],
            {},
            ["single", ["all", "0.0 email smtp", "0.1 email sendgrid:main"]],
        ),
        (
            ["sms", {"method": "all", "channels": ["email", {"method": "single", "channels": ["sms"]}]}],
            {},
            ["single", "0 sms twilio", ["all", f"1.0 email {ALL_EMAIL}", ["single", "1.1.0 sms twilio"]]],
        ),
        (["push", "sms"], {}, ["single", "1 sms twilio"]),
        (["push", {"method": "all", "channels": ["inbox"]}, "sms"], {}, ["single", "2 sms twilio"]),
        (["email", "email"], {}, ["single", f"0 email {ALL_EMAIL}", f"1 email {ALL_EMAIL}"]),
    ],
)
def test_the_tree(entries: list[Any], message: dict[str, Any], expected: Any) -> None:
    assert shape(planned(*entries, **message)) == expected


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, ["single", f"0 email {ALL_EMAIL}", "1 sms twilio", "2 direct_message slack"]),
        ({"default_routing": {"method": "all", "channels": ["sms"]}}, ["all", "0 sms twilio"]),
        # Inline content consults no template.
        (
            {"template_routing": {"method": "single", "channels": ["sms"]}},
            ["single", f"0 email {ALL_EMAIL}", "1 sms twilio", "2 direct_message slack"],
        ),
        (
            {"template": "t", "template_routing": {"method": "single", "channels": ["sms"]}},
            ["single", "0 sms twilio"],
        ),
        (
            {
                "template": "t",
                "template_routing": {"method": "single", "channels": ["sms"]},
                "routing": {"method": "all", "channels": ["smtp"]},
            },
            ["all", "0 email smtp"],
        ),
        (
            {
                "to": {"slack": {"access_token": "x", "channel": "c"}},
                "template": "t",
                "template_routing": {"method": "single", "channels": ["email"]},
            },
            ["single", "0 direct_message slack"],
        ),
        (
            {
                "to": {"webhook": {"url": "https://example.com"}},
                "options": [*OPTIONS, option("webhook", WEBHOOK)],
            },
            ["single", "0 webhook webhook"],
        ),
    ],
)
def test_whose_routing_applies(given: dict[str, Any], expected: Any) -> None:
    assert shape(planned(**given)) == expected


NO_EMAIL = [option("sendgrid", EMAIL, lacks="profile.email is missing"), option("twilio", SMS)]


@pytest.mark.parametrize(
    ("verdict", "expected"),
    [
        (lambda: planned("push", "sms"), [("push", SkipCode.NO_PROVIDERS)]),
        (lambda: planned("mailgun", "sms"), [("mailgun", SkipCode.MISSING_CONFIGURATION)]),
        (lambda: planned("email", "sms", options=NO_EMAIL), [("email", SkipCode.INCOMPLETE_PROFILE_DATA)]),
        (
            lambda: planned("email", "sms", serves=lambda channel, _: channel is SMS),
            [("email", SkipCode.NO_CONTENT)],
        ),
        (lambda: planned({"channel": "email", "if": "false"}, "sms"), [("email", SkipCode.FILTERED)]),
        (lambda: planned({"channel": "email", "if": "broken"}, "sms"), [("email", SkipCode.FILTERED)]),
        (
            lambda: planned("email", "sms", channels={"email": {"if": "false"}}),
            [("email", SkipCode.FILTERED)],
        ),
        (
            lambda: planned(
                {"channel": "email", "if": "true"},
                "sms",
                channels={"email": {"if": "true"}},
                template_channels={"email": {"if": "false"}},
            ),
            [],
        ),
        (
            lambda: planned("email", "sms", template_channels={"email": {"if": "false"}}),
            [("email", SkipCode.FILTERED)],
        ),
        (lambda: planned("email", providers={"smtp": {"if": "false"}}), [("smtp", SkipCode.FILTERED)]),
        (
            lambda: planned(
                {"channel": "email", "providers": [{"provider": "smtp", "if": "false"}, "sendgrid"]}
            ),
            [("smtp", SkipCode.FILTERED)],
        ),
        (
            lambda: planned("email", channels={"email": {"providers": ["mailgun", "smtp"]}}),
            [("mailgun", SkipCode.MISSING_CONFIGURATION)],
        ),
    ],
)
def test_what_is_left_out_is_noted(
    verdict: Callable[[], Plan | Unrouted], expected: list[tuple[str, SkipCode]]
) -> None:
    result = verdict()
    assert isinstance(result, Plan)
    assert skips(result) == expected
    assert all(skip.detail for skip in result.skipped)


def test_an_unreadable_condition_says_why() -> None:
    (skip,) = planned({"channel": "email", "if": "broken"}, "sms").skipped
    assert skip.detail == "its condition cannot be read: unexpected end"


NEEDED = "Information required by the provider was not included."


@pytest.mark.parametrize(
    ("verdict", "status", "reason", "error"),
    [
        (lambda: planned("push"), Status.UNROUTABLE, Reason.NO_PROVIDERS, "No providers added"),
        (lambda: planned(options=[]), Status.UNROUTABLE, Reason.NO_PROVIDERS, "No providers added"),
        (
            lambda: planned("sms", options=[option("smtp", EMAIL)]),
            Status.UNROUTABLE,
            Reason.NO_PROVIDERS,
            "No providers added",
        ),
        (
            lambda: planned("email", channels={"email": {"providers": ["twilio", "slack"]}}),
            Status.UNROUTABLE,
            Reason.PROVIDER_ERROR,
            "None of provider(s) twilio,slack is configured for channel email.",
        ),
        (
            lambda: planned("mailgun"),
            Status.UNROUTABLE,
            Reason.PROVIDER_ERROR,
            "None of provider(s) mailgun is configured.",
        ),
        (lambda: planned("inbox"), Status.UNROUTABLE, None, None),
        (lambda: planned("inbox", "push"), Status.UNROUTABLE, Reason.NO_PROVIDERS, "No providers added"),
        (lambda: planned("email", options=NO_EMAIL), Status.UNROUTABLE, Reason.PROVIDER_ERROR, NEEDED),
        (
            lambda: planned("push", "email", options=NO_EMAIL),
            Status.UNROUTABLE,
            Reason.PROVIDER_ERROR,
            NEEDED,
        ),
        (
            lambda: planned("email", options=NO_EMAIL, profile={"user_id": "u", "name": "Ada"}),
            Status.UNROUTABLE,
            Reason.NO_CHANNELS,
            "The recipient has no address for any channel.",
        ),
        (
            lambda: planned(template="t"),
            Status.UNROUTABLE,
            Reason.NO_CHANNELS,
            "Neither the message nor its template names a channel.",
        ),
        (
            lambda: planned({"method": "all", "channels": [{"method": "all", "channels": []}]}),
            Status.UNROUTABLE,
            Reason.NO_CHANNELS,
            "Neither the message nor its template names a channel.",
        ),
        (
            lambda: planned(routing={"method": "all", "channels": []}),
            Status.UNROUTABLE,
            Reason.NO_CHANNELS,
            "Neither the message nor its template names a channel.",
        ),
        (
            lambda: planned("smtp", serves=lambda *_: False),
            Status.UNROUTABLE,
            Reason.NO_CHANNELS,
            "smtp: the content has nothing for channel email",
        ),
        (
            lambda: planned("push", {"channel": "sms", "if": "false"}),
            Status.FILTERED,
            Reason.FILTERED,
            "Every channel was removed by a condition.",
        ),
        (
            lambda: planned("twilio", providers={"twilio": {"if": "broken"}}),
            Status.FILTERED,
            Reason.FILTERED,
            "Every channel was removed by a condition.",
        ),
    ],
)
def test_how_a_message_ends_that_nothing_can_take(
    verdict: Callable[[], Plan | Unrouted], status: Status, reason: Reason | None, error: str | None
) -> None:
    final = verdict()
    assert isinstance(final, Final)
    assert (final.status, final.reason, final.error) == (status, reason, error)


def test_the_last_obstacle_of_all_entries_is_the_reason() -> None:
    final = planned(
        "push", "email", {"channel": "sms", "if": "false"}, serves=lambda channel, _: channel is SMS
    )
    assert isinstance(final, Unrouted)
    assert final.status is Status.FILTERED
    assert skips(final) == [
        ("push", SkipCode.NO_PROVIDERS),
        ("email", SkipCode.NO_CONTENT),
        ("sms", SkipCode.FILTERED),
    ]


def test_a_condition_counts_only_for_what_could_be_sent() -> None:
    """Without an address the condition is not the obstacle."""
    final = planned({"channel": "email", "if": "false"}, options=NO_EMAIL)
    assert isinstance(final, Final)
    assert final.reason is Reason.PROVIDER_ERROR


@pytest.mark.parametrize(
    ("entry", "given", "provider_ms", "channel_ms"),
    [
        ("smtp", {}, 300_000, 1_800_000),
        ("smtp", {"timeout": {"provider": 7, "channel": 8}}, 7, 8),
        ("smtp", {"timeouts": {"provider": {"smtp": 7, "x": 1}, "channel": {"email": 8}}}, 7, 8),
        ("smtp", {"timeout": {"provider": {"x": 1}, "channel": {"x": 1}}}, 300_000, 1_800_000),
        ("smtp", {"timeout": {"provider": 0, "channel": 0}}, 0, 0),
        (
            "smtp",
            {
                "channels": {"email": {"timeouts": {"provider": 7, "channel": 8}}},
                "timeout": {"provider": 1, "channel": 2},
            },
            7,
            8,
        ),
        (
            "smtp",
            {"providers": {"smtp": {"timeouts": 6}}, "channels": {"email": {"timeout": {"provider": 7}}}},
            6,
            1_800_000,
        ),
        (
            {"channel": "email", "timeouts": {"provider": 5, "channel": 6}},
            {"template_channels": {"email": {"timeouts": {"provider": 1, "channel": 2}}}},
            5,
            6,
        ),
        ("email", {"template_channels": {"email": {"timeouts": {"provider": 1, "channel": 2}}}}, 1, 2),
        (
            "email",
            {
                "template_channels": {"email": {"timeouts": {"channel": 2}}},
                "channels": {"email": {"timeouts": {"provider": 3}}},
            },
            3,
            2,
        ),
        ("smtp", {"template_providers": {"smtp": {"timeouts": 9}}}, 9, 1_800_000),
        (
            {"channel": "email", "providers": [{"provider": "smtp", "timeouts": 4}]},
            {"template_providers": {"smtp": {"timeouts": 9}}},
            4,
            1_800_000,
        ),
        (
            {"channel": "email", "providers": [{"provider": "smtp", "timeouts": 4}]},
            {"providers": {"smtp": {"timeouts": 3}}},
            3,
            1_800_000,
        ),
        (
            "sendgrid:main",
            {"providers": {"sendgrid": {"timeouts": 3}, "sendgrid:main": {"timeouts": 2}}},
            2,
            1_800_000,
        ),
        ("sendgrid:main", {"channels": {"sendgrid": {"timeouts": 3}, "email": {"timeouts": 2}}}, 300_000, 3),
    ],
)
def test_the_more_specific_timeout_wins(
    entry: Any, given: dict[str, Any], provider_ms: int, channel_ms: int
) -> None:
    verdict = planned(entry, **given)
    assert isinstance(verdict, Plan)
    (leaf,) = leaves_of(verdict.root)
    assert (leaf.candidates[0].timeout_ms, leaf.timeout_ms) == (provider_ms, channel_ms)


@pytest.mark.parametrize(
    ("timeout", "expected_ms"),
    [(None, 259_200_000), ({"message": 5000}, 5000), (6000, 6000), ({}, 259_200_000)],
)
def test_the_deadline(timeout: Any, expected_ms: int) -> None:
    verdict = planned("sms", timeout=timeout)
    assert isinstance(verdict, Plan)
    assert verdict.deadline == NOW + timedelta(milliseconds=expected_ms)


def test_a_provider_of_several_channels_takes_the_first_that_can() -> None:
    sns = ProviderOption(
        id="sns",
        provider="aws-sns",
        alias=None,
        channels=(Channel.PUSH, SMS),
        missing={Channel.PUSH: "aws_sns.target_arn is missing", SMS: None},
    )
    assert shape(planned("aws-sns", options=[sns])) == ["single", "0 sms sns"]


ENTRIES = st.recursive(
    st.sampled_from(["email", "sms", "push", "smtp", "sendgrid", "mailgun", "slack"])
    | st.sampled_from(
        [
            {"channel": "email", "method": "all"},
            {"channel": "sms", "if": "false"},
            {"channel": "email", "providers": ["sendgrid", "mailgun"]},
        ]
    ),
    lambda inner: st.fixed_dictionaries(
        {"method": st.sampled_from(["all", "single"]), "channels": st.lists(inner, max_size=4)}
    ),
    max_leaves=12,
)


@settings(max_examples=200, deadline=None)
@given(st.lists(ENTRIES, min_size=1, max_size=4), st.sampled_from(["all", "single"]))
def test_every_plan_is_sound(entries: list[Any], method: str) -> None:
    verdict = planned(*entries, method=method)
    if isinstance(verdict, Final):
        assert verdict.status in {Status.UNROUTABLE, Status.FILTERED}
        return
    leaves = list(leaves_of(verdict.root))
    assert leaves
    assert len({leaf.key for leaf in leaves}) == len(leaves)
    for leaf in leaves:
        ids = [candidate.id for candidate in leaf.candidates]
        assert ids
        assert len(set(ids)) == len(ids)
    assert all(node.entries for node in nodes(verdict.root))
    assert verdict.root.method is Method(method)
    assert PLAN.validate_json(PLAN.dump_json(verdict)) == verdict


def nodes(node: Node) -> list[Node]:
    return [node, *(inner for entry in node.entries if isinstance(entry, Node) for inner in nodes(entry))]
