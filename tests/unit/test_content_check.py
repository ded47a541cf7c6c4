"""Malformed content is refused with the path of what is wrong."""

from typing import Any

import pytest

from notify.content.check import check
from notify.errors import InvalidRequest


def elements(*items: Any) -> dict[str, Any]:
    return {"version": "2022-01-01", "elements": list(items)}


def nested(depth: int) -> dict[str, Any]:
    element: dict[str, Any] = {"type": "text", "content": "x"}
    for _ in range(depth - 1):
        element = {"type": "group", "elements": [element]}
    return element


TEXT = {"type": "text", "content": "{{name}}"}
BLOCK = {"type": "channel", "channel": "email", "elements": [TEXT]}

GOOD = [
    {"title": "a", "body": "b"},
    {"body": "b"},
    {"elements": []},
    {"title": "a", "elements": [TEXT]},
    elements(BLOCK, {"type": "channel", "channel": "slack", "raw": {"slackBlocks": []}}),
    elements(
        {"type": "text", "elements": [{"type": "string", "content": "x"}]},
        {"type": "divider"},
        {"type": "meta"},
    ),
    elements(
        {
            **TEXT,
            "if": "data.x === ",
            "loop": "data.items",
            "ref": "r",
            "channels": ["sms"],
            "locales": {"fr": {}},
        }
    ),
    elements({"type": "unheard-of", "content": 5}),
    elements(*[TEXT] * 500),
    elements(nested(10)),
]


@pytest.mark.parametrize("content", GOOD, ids=range(len(GOOD)))
def test_good_content_passes(content: Any) -> None:
    check(content, template=False)


BAD = [
    (None, "message.content must be an object"),
    ([], "message.content must be an object"),
    ({}, "message.content needs `elements`, or `title` and `body`"),
    ({"title": 5}, "message.content.title must be a string"),
    ({"elements": {}}, "message.content.elements must be a list"),
    ({"elements": [], "version": 1}, "message.content.version must be a string"),
    ({"elements": [], "scope": "loose"}, "message.content.scope must be `default` or `strict`"),
    (elements("x"), "message.content.elements[0] must be an object"),
    (elements({}), "message.content.elements[0].type is required and must be a string"),
    (elements(TEXT, {"type": "text"}), "message.content.elements[1].content or elements is required"),
    (elements({"type": "text", "content": 5}), "message.content.elements[0].content must be a string"),
    (elements({"type": "text", "elements": "x"}), "message.content.elements[0].elements must be a list"),
    (elements({"type": "action", "content": "x"}), "message.content.elements[0].href is required"),
    (elements({"type": "image"}), "message.content.elements[0].src is required"),
    (
        elements({"type": "channel", "channel": "sms"}),
        "message.content.elements[0].elements or raw is required",
    ),
    (
        elements({**TEXT, "channels": "sms"}),
        "message.content.elements[0].channels must be a list of channels",
    ),
    (elements({**TEXT, "channels": [1]}), "message.content.elements[0].channels[0] must be a string"),
    (elements({**TEXT, "if": 5}), "message.content.elements[0].if must be a string"),
    (elements({**TEXT, "locales": {"fr": "x"}}), "message.content.elements[0].locales.fr must be an object"),
    (elements(BLOCK, TEXT), "message.content.elements[1] must be a channel element"),
    (
        elements({**BLOCK, "elements": [BLOCK]}),
        "message.content.elements[0].elements[0]: a channel element must",
    ),
    (
        elements({"type": "jsonnet", "content": "x"}),
        "message.content.elements[0].type `jsonnet` is not supported",
    ),
    (elements({"type": "partial"}), "message.content.elements[0].type `partial` is not supported"),
    (elements(*[TEXT] * 501), "message.content.elements[500]: there may be at most 500 elements"),
    (elements(nested(11)), "is nested deeper than 10 levels"),
    (
        elements({**TEXT, "content": "é" * 131_073}),
        "message.content.elements[0].content is longer than 262144 bytes",
    ),
    (
        elements({**TEXT, "content": "a\n{{#if x}}"}),
        "message.content.elements[0].content: line 2: Handlebars block",
    ),
    ({"body": "{{ x|shout }}"}, "message.content.body: line 1: there is no filter `shout`"),
    (
        elements({**TEXT, "locales": {"fr": {"content": "{{"}}}),
        "message.content.elements[0].locales.fr.content: line 1: ",
    ),
    (
        elements({"type": "channel", "channel": "slack", "raw": {"blocks": [{"text": "{{ x| }}"}]}}),
        "message.content.elements[0].raw.blocks[0].text: line 1: ",
    ),
    (
        elements({"type": "group", "elements": [], "locales": {"fr": {"elements": 5}}}),
        "message.content.elements[0].locales.fr.elements must be a list",
    ),
    (
        elements({"type": "group", "elements": [], "locales": {"fr": {"elements": [{"type": "text"}]}}}),
        "message.content.elements[0].locales.fr.elements[0].content or elements is required",
    ),
    (
        elements({"type": "channel", "channel": "email", "raw": {}, "locales": {"fr": {"raw": 5}}}),
        "message.content.elements[0].locales.fr.raw must be an object",
    ),
]


@pytest.mark.parametrize(("content", "problem"), BAD, ids=[problem for _, problem in BAD])
def test_bad_content_is_refused_with_its_path(content: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check(content, template=False)

    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ({"title": "a", "body": "b"}, "notification.content.version is required"),
        ({"elements": []}, "notification.content.version is required"),
        (
            elements({"type": "unheard-of"}),
            "notification.content.elements[0].type `unheard-of` is not an element type",
        ),
    ],
)
def test_templates_refuse_what_a_send_skips(content: Any, problem: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        check(content, template=True, at="notification.content")

    assert problem in str(caught.value)


def test_a_template_passes() -> None:
    check(elements(BLOCK), template=True)


def test_raw_that_is_not_substituted_may_hold_anything() -> None:
    raw = {"html": "{{#if x}}", "transformers": ["mjml"]}
    check(elements({"type": "channel", "channel": "email", "raw": raw}), template=True)
