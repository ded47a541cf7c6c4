"""Overrides, pure: which apply to a leaf's provider, and what a channel's does to its output."""

from typing import Any

import pytest

from notify.content.override import overridden
from notify.errors import ContentError
from notify.model.names import Channel
from notify.model.output import (
    Button,
    ChatOutput,
    EmailOutput,
    InboxOutput,
    PushOutput,
    SmsOutput,
    WebhookOutput,
)
from notify.model.wire import SendMessage, TemplateRouting
from notify.routing.overrides import Overrides, Target, overrides


def given(leaf: str = "0", alias: str | None = None, routing: Any = None, **message: Any) -> Overrides:
    """The overrides of sendgrid's e-mail."""
    body = {"to": {"user_id": "u"}, "content": {"title": "t", "body": "b"}, **message}
    target = Target(leaf=leaf, channel=Channel.EMAIL, provider="sendgrid", alias=alias)
    template = TemplateRouting.model_validate({"routing": routing}) if routing else None
    return overrides(SendMessage.model_validate(body), template, target)


def layer(name: str) -> dict[str, Any]:
    return {"override": {"from": name}}


def test_nothing_is_overridden() -> None:
    assert given() == Overrides()
    assert (
        given(channels={"email": {}, "sms": layer("sms")}, providers={"smtp": layer("smtp")}) == Overrides()
    )


def test_the_layers_from_weak_to_strong() -> None:
    found = given(
        alias="main",
        channels={
            "email": {**layer("channel"), "providers": [{"provider": "sendgrid", **layer("listed")}]},
            "sendgrid": layer("channels.sendgrid"),
            "sendgrid:main": layer("channels.sendgrid:main"),
            "sendgrid:other": layer("no"),
        },
        providers={
            "sendgrid": layer("providers.sendgrid"),
            "sendgrid:main": layer("providers.sendgrid:main"),
        },
    )
    assert found.channel == {"from": "channel"}
    assert [one["from"] for one in found.provider] == [
        "listed", "channels.sendgrid", "channels.sendgrid:main", "providers.sendgrid",
        "providers.sendgrid:main",
    ]  # fmt: skip


LISTED = {"channel": "email", "providers": [{"provider": "sendgrid", **layer("entry")}, "smtp"]}
TREE = {"method": "all", "channels": ["sms", {"method": "single", "channels": ["email", LISTED]}]}


@pytest.mark.parametrize(
    ("leaf", "expected"),
    [
        ("1.1", ["entry"]),
        ("1.1.0", ["entry"]),  # `routing_method: all` gives each provider a leaf of its own
        ("1.0", []),
        ("0", []),
        ("7.7", []),
    ],
)
def test_a_routing_entrys_list_is_found_by_the_leafs_path(leaf: str, expected: list[str]) -> None:
    assert [one["from"] for one in given(leaf, routing=TREE).provider] == expected


def test_the_messages_list_replaces_the_entrys() -> None:
    assert given("1.1", routing=TREE, channels={"email": {"providers": ["sendgrid"]}}).provider == ()


GO = Button(label="Go", url="https://x.y", style="link")
NOWHERE = Button(label="", url="")
EMAIL = EmailOutput(subject="s", html="<p>h</p>", text="t")


@pytest.mark.parametrize(
    ("output", "override", "expected", "rest"),
    [
        (EMAIL, {}, EMAIL, {}),
        (EMAIL, {"subject": "x"}, EmailOutput(subject="x", html="<p>h</p>", text="t"), {}),
        (EMAIL, {"body": "x"}, EmailOutput(subject="s", html="", text="x"), {}),
        (EMAIL, {"body": "x", "html": "y"}, EmailOutput(subject="s", html="y", text="x"), {}),
        (EMAIL, {"body": {"html": "y"}}, EmailOutput(subject="s", html="y", text="t"), {}),
        (
            EMAIL,
            {"cc": "a@b.c", "headers": {"x": "y"}},
            EmailOutput(
                subject="s", html="<p>h</p>", text="t", envelope={"cc": "a@b.c", "headers": {"x": "y"}}
            ),
            {},
        ),
        (EMAIL, {"tracking": {"open": False}, "brand": {}, "asm": {"id": 1}}, EMAIL, {"asm": {"id": 1}}),
        (SmsOutput(body="b"), {"body": "x", "mediaUrl": "u"}, SmsOutput(body="x"), {"mediaUrl": "u"}),
        (
            PushOutput(title="t", body="b"),
            {"title": "x", "clickAction": "app://y", "icon": "i", "data": {"n": 1}},
            PushOutput(title="x", body="b", click_url="app://y"),
            {"icon": "i", "data": {"n": 1}},
        ),
        (
            PushOutput(title="t", body="b"),
            {"notification": {"body": "x", "sound": "ping"}},
            PushOutput(title="t", body="x"),
            {"notification": {"sound": "ping"}},
        ),
        (
            InboxOutput(title="t", body="b"),
            {
                "actions": [
                    {"content": "Go", "href": "https://x.y", "style": "link"},
                    {"href": "javascript:1"},
                ]
            },
            InboxOutput(title="t", body="b", actions=(GO, NOWHERE)),
            {},
        ),
        (
            ChatOutput(title="t", text="b", blocks=({"type": "text", "text": "b"},)),
            {"text": "x", "thread_ts": "1"},
            ChatOutput(title="t", text="x"),
            {"thread_ts": "1"},
        ),
        # An author's own payload is the provider's already: all of it is merged there.
        (
            ChatOutput(title="", text="", raw={"text": "b"}),
            {"text": "x"},
            ChatOutput(title="", text="", raw={"text": "b"}),
            {"text": "x"},
        ),
        (
            WebhookOutput(payload={}),
            {"url": "u", "body": {}},
            WebhookOutput(payload={}),
            {"url": "u", "body": {}},
        ),
    ],
)
def test_a_channels_words(output: Any, override: dict[str, Any], expected: Any, rest: dict[str, Any]) -> None:
    """send.md, Overrides: the keys of each channel; what only a provider understands goes on to it."""
    before = dict(override)
    assert overridden(output, override) == (expected, rest)
    assert override == before


@pytest.mark.parametrize(
    ("output", "override"),
    [
        (EMAIL, {"subject": None}),
        (EMAIL, {"body": 5}),
        (SmsOutput(body="b"), {"body": {}}),
        (PushOutput(title="t", body="b"), {"notification": "x"}),
        (InboxOutput(title="t", body="b"), {"actions": {}}),
        (InboxOutput(title="t", body="b"), {"actions": ["x"]}),
        (InboxOutput(title="t", body="b"), {"actions": [{}] * 21}),
        (ChatOutput(title="t", text="b"), {"text": []}),
    ],
)
def test_a_word_of_the_wrong_kind_is_an_error(output: Any, override: dict[str, Any]) -> None:
    with pytest.raises(ContentError):
        overridden(output, override)
