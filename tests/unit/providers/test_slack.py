"""Slack: chat.postMessage, incoming webhooks, and the e-mail form with its look-up."""

from typing import Any

import orjson
import pytest

from notify.errors import ContentError
from notify.model.call import Accepted, Blame, HttpAnswer, HttpCall, Permanent, Transient
from notify.model.output import ChatOutput
from notify.providers.chat.mrkdwn import from_markdown

from .cases import Cases, Send

CHAT = ChatOutput(
    title="Order",
    text="Ada, hello **you**",
    blocks=(
        {"type": "header", "text": "Order <7>"},
        {"type": "text", "text": "Ada, hello **you** & [all](https://x.example/?a=1&b=2)"},
        {"type": "quote", "text": "said\nthey"},
        {"type": "divider"},
        {"type": "image", "url": "https://x.example/i.png", "text": "a picture"},
        {"type": "action", "text": "Open", "url": "https://x.example/o"},
        {"type": "action", "text": "Later", "url": "https://x.example/l", "style": "secondary"},
    ),
)
TOKEN = {"access_token": "xoxb-hush-hush"}
CHANNEL = {"slack": {**TOKEN, "channel": "C1"}}
HOOK = {"slack": {"incoming_webhook": {"url": "https://hooks.slack.example/services/T/B/hush-hush"}}}


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text, "verbatim": True}}


def _button(at: int, text: str, url: str, **style: str) -> dict[str, Any]:
    label = {"type": "plain_text", "text": text, "emoji": True}
    return {"type": "button", "text": label, "url": url, "action_id": f"action_{at}", **style}


BLOCKS = [
    {"type": "header", "text": {"type": "plain_text", "text": "Order <7>", "emoji": True}},
    _section("Ada, hello *you* &amp; <https://x.example/?a=1&amp;b=2|all>"),
    _section("> said\n> they"),
    {"type": "divider"},
    {"type": "image", "image_url": "https://x.example/i.png", "alt_text": "a picture"},
    {
        "type": "actions",
        "elements": [
            _button(0, "Open", "https://x.example/o", style="primary"),
            _button(1, "Later", "https://x.example/l"),
        ],
    },
]


def _to_channel(call: HttpCall) -> None:
    assert (call.method, call.url) == ("POST", "https://slack.com/api/chat.postMessage")
    assert call.headers == {"content-type": "application/json", "authorization": "Bearer xoxb-hush-hush"}
    assert orjson.loads(call.body) == {"channel": "C1", "text": "Ada, hello *you*", "blocks": BLOCKS}
    assert not call.untrusted


def _to_user(call: HttpCall) -> None:
    assert call.headers["authorization"] == "Bearer xoxb-hush-settings"
    assert orjson.loads(call.body)["channel"] == "U1"


def _by_email(call: HttpCall) -> None:
    assert (call.method, call.body) == ("GET", b"")
    assert call.url == "https://slack.com/api/users.lookupByEmail?email=ada%2Bx%40example.com"
    assert call.then is not None
    post = call.then(HttpAnswer(status=200, body=b'{"ok":true,"user":{"id":"U7"}}'))
    assert post is not None
    assert post.url == "https://slack.com/api/chat.postMessage"
    assert orjson.loads(post.body)["channel"] == "U7"
    for body in (b'{"ok":false,"error":"users_not_found"}', b"{broken", b'{"ok":true,"user":7}'):
        assert call.then(HttpAnswer(status=200, body=body)) is None


def _by_webhook(call: HttpCall) -> None:
    assert call.url == "https://hooks.slack.example/services/T/B/hush-hush"
    assert call.untrusted
    assert "authorization" not in call.headers
    assert orjson.loads(call.body) == {"text": "Ada, hello *you*", "blocks": BLOCKS}


def _raw(call: HttpCall) -> None:
    assert orjson.loads(call.body) == {"channel": "C1", "text": "x", "blocks": [{"type": "divider"}]}


def _word(word: str, status: int = 200) -> HttpAnswer:
    if status != 200:
        return HttpAnswer(status=status, body=word.encode())
    return HttpAnswer(status=status, body=orjson.dumps({"ok": False, "error": word}))


CASES = Cases(
    key="slack",
    settings={"access_token": "xoxb-hush-settings"},
    secrets=("xoxb-hush-settings",),
    required=(),
    incomplete=({}, {"slack": {}}, {"slack": TOKEN}, {"slack": "C1"}, {"slack": {"incoming_webhook": {}}}),
    sends=(
        Send(name="channel", profile=CHANNEL, output=CHAT, check=_to_channel),
        Send(name="user", profile={"slack": {"user_id": "U1"}}, output=CHAT, check=_to_user),
        Send(
            name="email",
            profile={"slack": {**TOKEN, "email": "ada+x@example.com"}},
            output=CHAT,
            check=_by_email,
        ),
        Send(name="webhook", profile=HOOK, output=CHAT, check=_by_webhook),
        Send(
            name="raw",
            profile=CHANNEL,
            output=ChatOutput(title="", text="x", raw={"blocks": [{"type": "divider"}]}),
            check=_raw,
        ),
        Send(
            name="raw by Elemental's name",
            profile=CHANNEL,
            output=ChatOutput(title="", text="x", raw={"slackBlocks": [{"type": "divider"}]}),
            check=_raw,
        ),
    ),
    answers=(
        (
            HttpAnswer(status=200, body=b'{"ok":true,"channel":"C1","ts":"17.1","message":{}}'),
            Accepted(reference={"channel": "C1", "ts": "17.1"}),
        ),
        (HttpAnswer(status=200, body=b"ok"), Accepted()),
        (HttpAnswer(status=200, body=b'{"ok": tr'), Transient(reason="cannot be read")),
        *(
            (_word(word), Permanent(reason=f"slack: {word}", blame=blame))
            for word, blame in (
                ("channel_not_found", Blame.RECIPIENT),
                ("not_in_channel", Blame.RECIPIENT),
                ("is_archived", Blame.RECIPIENT),
                ("users_not_found", Blame.RECIPIENT),
                ("msg_too_long", Blame.CONTENT),
                ("invalid_blocks", Blame.CONTENT),
                ("invalid_auth", Blame.PROVIDER),
                ("token_revoked", Blame.PROVIDER),
                ("account_inactive", Blame.PROVIDER),
                ("a_word_nobody_knows", Blame.PROVIDER),
            )
        ),
        (_word("ratelimited"), Transient(reason="ratelimited")),
        (_word("fatal_error"), Transient(reason="fatal_error")),
        (_word("no_service", 404), Permanent(reason="no_service", blame=Blame.RECIPIENT)),
        (_word("channel_is_archived", 410), Permanent(reason="archived", blame=Blame.RECIPIENT)),
        (_word("action_prohibited", 403), Permanent(reason="prohibited", blame=Blame.RECIPIENT)),
        (_word("invalid_payload", 400), Permanent(reason="invalid_payload", blame=Blame.CONTENT)),
        (_word("rollup_error", 500), Transient(reason="rollup_error")),
        (
            HttpAnswer(status=429, headers={"retry-after": "30"}, body=b'{"ok":false,"error":"ratelimited"}'),
            Transient(reason="ratelimited", retry_after_s=30.0),
        ),
    ),
)


def test_a_token_is_needed_somewhere() -> None:
    profile = {"slack": {"channel": "C1"}}
    settings = CASES.loaded(access_token=None)
    assert CASES.provider.missing(profile, CASES.channel, settings) == "slack.access_token"
    assert CASES.provider.missing(profile, CASES.channel) is None
    with pytest.raises(ContentError, match="access_token"):
        CASES.call(Send(name="", profile=profile, output=CHAT, check=_raw, settings={"access_token": None}))


@pytest.mark.parametrize(
    ("markdown", "mrkdwn"),
    [
        ("plain", "plain"),
        ("**bold** *it* ~~gone~~ `a<b`", "*bold* _it_ ~gone~ `a&lt;b`"),
        ("# Title\n\ntext", "*Title*\ntext"),
        ("- a\n- b\n  1. c\n  2. d", "• a\n• b\n    1. c\n    2. d"),
        ("\\*not bold\\* \\[no\\](https://x.example)", "*not bold* [no](https://x.example)"),
        (
            "<!channel> <@U1> \\<https://x.example|y>",
            "&lt;!channel&gt; &lt;@U1&gt; &lt;https://x.example|y&gt;",
        ),
        ("[a|b>c](https://x.example/?q=a|b)", "<https://x.example/?q=a%7Cb|a|b&gt;c>"),
        ("[x](javascript:alert\\(1\\))", "[x](javascript:alert(1))"),
        ("one  \ntwo\nthree", "one\ntwo\nthree"),
        ("```\n<code>\n```", "```\n&lt;code&gt;\n```"),
        ("> said", "> said"),
    ],
)
def test_markdown_becomes_mrkdwn(markdown: str, mrkdwn: str) -> None:
    assert from_markdown(markdown) == mrkdwn


def test_long_texts_are_split_within_slacks_limits() -> None:
    words = "wörd & " * 2000
    output = ChatOutput(title="", text="x", blocks=({"type": "text", "text": words},))
    call = CASES.call(CASES.sends[0], output=output)
    assert isinstance(call, HttpCall)
    texts = [block["text"]["text"] for block in orjson.loads(call.body)["blocks"]]
    assert all(len(text) <= 3000 for text in texts)
    assert " ".join(" ".join(texts).split()) == " ".join(words.replace("&", "&amp;").split())


def test_more_blocks_than_slack_takes() -> None:
    blocks = tuple({"type": "image", "url": f"https://x.example/{at}"} for at in range(51))
    with pytest.raises(ContentError, match="50 blocks"):
        CASES.call(CASES.sends[0], output=ChatOutput(title="", text="x", blocks=blocks))
