"""What each channel sends of one document."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.content.columns import shares
from notify.content.elemental import resolve
from notify.content.output import OutputContext, build, serves
from notify.errors import ContentError
from notify.expression import Limits
from notify.model.document import Cell, ChannelBlock, Column, Document
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

LIMITS = Limits(timeout_ms=500, steps=1000, output_bytes=1_000_000)
CONTEXT = OutputContext(template="nt_1", data={"name": "Ada"}, profile={"email": "ada@x.org"})

ORDER: list[dict[str, Any]] = [
    {"type": "meta", "title": "Order 7 shipped"},
    {"type": "text", "content": "On its way", "text_style": "h1"},
    {"type": "text", "content": "Hi **{{name}}**, see [the page](https://x.org/7)."},
    {"type": "quote", "content": "Thank you"},
    {"type": "divider"},
    {"type": "image", "src": "https://x.org/box.png", "alt_text": "A box"},
    {"type": "action", "content": "Track", "href": "https://x.org/track?a=1&b=2"},
    {"type": "action", "content": "Stop", "href": "https://x.org/stop", "style": "link"},
    {"type": "html", "content": "<table><tr><td>Only <i>mail</i></td></tr></table><style>p {}</style>"},
]


def document(*elements: dict[str, Any], **data: Any) -> Document:
    variables = {"data": {"name": "Ada", **data}}
    return resolve({"elements": list(elements)}, variables=variables, locale=None, limits=LIMITS)


def output(channel: Channel, *elements: dict[str, Any], provider: str = "p", **data: Any) -> Any:
    return build(document(*elements, **data), channel=channel, provider=provider, context=CONTEXT)


def block(channel: str, *elements: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {
        "type": "channel",
        "channel": channel,
        **({"elements": list(elements)} if elements else {}),
        **fields,
    }


def text(content: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "content": content, **fields}


# --- the table of channels -----------------------------------------------------------------------


def test_sms_is_plain_text_with_urls() -> None:
    assert output(Channel.SMS, *ORDER) == SmsOutput(
        body="On its way\nHi Ada, see the page (https://x.org/7).\n\u201cThank you\u201d\n----------\n"
        "https://x.org/box.png\nTrack: https://x.org/track?a=1&b=2\nStop: https://x.org/stop"
    )


def test_an_sms_of_nothing_but_a_title_sends_the_title() -> None:
    assert output(Channel.SMS, ORDER[0]).body == "Order 7 shipped"


def test_push_opens_the_first_action() -> None:
    assert output(Channel.PUSH, *ORDER) == PushOutput(
        title="Order 7 shipped",
        body="On its way\nHi Ada, see the page (https://x.org/7).\n\u201cThank you\u201d",
        click_url="https://x.org/track?a=1&b=2",
        image_url="https://x.org/box.png",
    )


@pytest.mark.parametrize("channel", [Channel.INBOX, Channel.BANNER])
def test_inbox_keeps_markdown_and_all_buttons(channel: Channel) -> None:
    assert output(channel, *ORDER) == InboxOutput(
        title="Order 7 shipped",
        body="# On its way\n\nHi **Ada**, see [the page](https://x.org/7).\n\n\u201cThank you\u201d\n\n"
        "![A box](https://x.org/box.png)",
        actions=(
            Button(label="Track", url="https://x.org/track?a=1&b=2"),
            Button(label="Stop", url="https://x.org/stop", style="link"),
        ),
    )


def test_chat_is_blocks_and_a_plain_fallback() -> None:
    made = output(Channel.DIRECT_MESSAGE, *ORDER)

    assert isinstance(made, ChatOutput)
    assert made.text == output(Channel.SMS, *ORDER).body
    assert made.blocks == (
        {"type": "header", "text": "Order 7 shipped"},
        {"type": "header", "text": "On its way"},
        {"type": "text", "text": "Hi **Ada**, see [the page](https://x.org/7)."},
        {"type": "quote", "text": "Thank you"},
        {"type": "divider", "text": ""},
        {"type": "image", "text": "A box", "url": "https://x.org/box.png"},
        {"type": "action", "text": "Track", "url": "https://x.org/track?a=1&b=2", "style": "button"},
        {"type": "action", "text": "Stop", "url": "https://x.org/stop", "style": "link"},
    )


def test_a_webhook_tells_recipient_data_and_content() -> None:
    made = output(Channel.WEBHOOK, ORDER[0], text("Hi {{name}}"))

    assert isinstance(made, WebhookOutput)
    assert made.payload == {
        "message": {
            "template": "nt_1",
            "to": {"email": "ada@x.org"},
            "data": {"name": "Ada"},
            "content": {"title": "Order 7 shipped", "body": "Hi Ada"},
        }
    }


def test_an_action_without_url_is_left_out() -> None:
    dead = {"type": "action", "content": "Dead", "href": "javascript:alert(1)"}

    assert output(Channel.SMS, text("a"), dead).body == "a"
    assert output(Channel.PUSH, text("a"), dead).click_url is None
    assert output(Channel.INBOX, text("a"), dead).actions == ()
    assert "Dead" not in output(Channel.EMAIL, text("a"), dead).html


# --- email ---------------------------------------------------------------------------------------


def test_an_email_says_the_same_in_html_and_text() -> None:
    made = output(Channel.EMAIL, *ORDER)

    assert isinstance(made, EmailOutput)
    assert made.subject == "Order 7 shipped"
    assert made.text == (
        "On its way\n\nHi Ada, see the page (https://x.org/7).\n\n\u201cThank you\u201d\n\n----------\n\n"
        "https://x.org/box.png\n\nTrack: https://x.org/track?a=1&b=2\n\nStop: https://x.org/stop\n\nOnly mail"
    )
    for piece in (
        "<title>Order 7 shipped</title>",
        ">On its way</h1>",
        "Hi <strong>Ada</strong>",
        '<a href="https://x.org/7">the page</a>',
        "<blockquote",
        'alt="A box"',
        'href="https://x.org/track?a=1&amp;b=2"',
        "Only <i>mail</i>",
    ):
        assert piece in made.html


def test_an_email_page_is_well_formed_responsive_and_loads_nothing() -> None:
    html = output(Channel.EMAIL, *ORDER).html

    assert unbalanced(html) == []
    assert "@media only screen" in html
    assert 'role="article"' in html
    assert set(re.findall(r"""(?:src|href)=["']([^"']+)""", html)) == {
        "https://x.org/7",
        "https://x.org/box.png",
        "https://x.org/track?a=1&amp;b=2",
        "https://x.org/stop",
    }


def test_an_email_block_has_its_own_padding_around_everything() -> None:
    made = output(Channel.EMAIL, block("email", text("a"), padding="3px 7px"))
    other = output(Channel.EMAIL, block("email", text("a"), padding="3px;x"))

    assert "padding:3px 7px;text-align" in made.html
    assert "padding:24px 0;text-align" in other.html


def test_what_stands_in_columns_is_one_sequence_elsewhere() -> None:
    column = {"type": "column", "elements": [text("a"), text("b", channels=["sms"])]}
    row = {"type": "columns", "elements": [column, {"type": "column", "elements": []}, column]}
    made = output(Channel.EMAIL, text("x"), row)

    assert output(Channel.SMS, text("x"), row).body == "x\na\nb\na\nb"
    assert made.text == "x\n\na\n\na"
    assert unbalanced(made.html) == []
    assert made.html.count('class="mj-outlook-group-fix mj-column-per-33-33"') == 3


@pytest.mark.parametrize(
    ("widths", "gap", "expected"),
    [
        ((None, None), None, "50,50"),
        (("25%", None), None, "25,75"),
        (("150px", "450"), None, "25,75"),
        (("100%", "100%"), None, "50,50"),
        (("100%", None), None, "66.7,33.3"),
        ((None, None), "60px", "45,45"),
        ((None,) * 12, "9999px", "4.5," * 11 + "4.5"),
        (("0%", "0"), None, "50,50"),
    ],
)
def test_columns_share_the_page(widths: Any, gap: str | None, expected: str) -> None:
    made = tuple(Column(width=width) for width in widths)
    found, between = shares(Cell(row=1, column=0, columns=made, gap=gap), 600)

    assert ",".join(f"{round(width, 1):g}" for width in found) == expected
    assert sum(found) + between * (len(found) - 1) <= 100.001


def test_items_of_a_list_are_dressed_in_email_and_their_links_are_followed() -> None:
    items = [{"type": "list-item", "content": "<li>a", "background_color": "#ff0000"}]
    mark = {"imgSrc": 'https://x.org/"a.png', "imgHref": "https://x.org/b"}
    found = document({"type": "list", "elements": items, **mark})
    context = replace(CONTEXT, rewrite=lambda url: f"https://t.org/?u={url}")
    made = build(found, channel=Channel.EMAIL, provider="p", context=context)

    assert isinstance(made, EmailOutput)
    assert '<li style="background-color:#ff0000;list-style-type:none"><a href="https://t.org/?u=' in made.html
    assert 'src="https://x.org/&quot;a.png"' in made.html
    assert output(Channel.SMS, {"type": "list", "elements": items, **mark}).body == "- <li>a"


def test_action_styles() -> None:
    actions = [
        {
            "type": "action",
            "content": style,
            "href": "https://x.org",
            "style": style,
            "background_color": "#ffee00",
        }
        for style in ("button", "secondary", "tertiary", "link")
    ]
    html = output(Channel.EMAIL, *actions).html

    assert "background:#ffee00;color:#111827" in html
    assert "border:1px solid #ffee00" in html
    assert "color:#ffee00;text-decoration:underline" in html
    assert "color:#1d4ed8;text-decoration:underline" in html


def test_text_styles() -> None:
    html = output(
        Channel.EMAIL,
        text("x", align="right", color="#ff0000", bold=True, underline=True, text_style="subtext"),
    ).html

    for style in (
        "text-align:right",
        "color:#ff0000",
        "font-weight:700",
        "text-decoration:underline",
        "font-size:13px",
    ):
        assert style in html


def test_without_a_title_the_first_words_are_the_subject() -> None:
    assert output(Channel.EMAIL, text("Your **code** is 1234")).subject == "Your code is 1234"
    assert len(output(Channel.EMAIL, text("word " * 50)).subject) <= 78


def test_long_lines_are_wrapped_and_urls_are_not() -> None:
    url = "https://x.org/" + "a" * 100
    lines = output(Channel.EMAIL, text("word " * 40), text(url)).text.split("\n")

    assert url in lines
    assert max(len(line) for line in lines if line != url) <= 78


def test_raw_email() -> None:
    raw = {"subject": "A\nb {{name}}", "html": "<p>Hi {{name}}</p><a href='https://x.org'>go</a>"}
    made = output(Channel.EMAIL, block("email", raw=raw))

    assert made.subject == "A b Ada"
    assert made.html == "<p>Hi Ada</p><a href='https://x.org'>go</a>"
    assert made.text == "Hi Ada\ngo (https://x.org)"


def test_raw_email_in_mjml() -> None:
    column = "<mj-column><mj-text>Hi {{name}}</mj-text></mj-column>"
    mjml = f"<mjml><mj-body><mj-section>{column}</mj-section></mj-body></mjml>"
    raw = {"subject": "s", "html": mjml, "text": "t", "transformers": ["handlebars", "mjml"]}

    assert "Hi Ada</div>" in output(Channel.EMAIL, block("email", raw=raw)).html
    with pytest.raises(ContentError, match="not valid MJML"):
        output(Channel.EMAIL, block("email", raw={**raw, "html": "<mjml><mj-oops>"}))


HOSTILE = [
    "<script>alert(1)</script>",
    "</mj-text></mj-column><mj-raw><script>alert(1)</script></mj-raw>",
    '"><script>alert(1)</script>',
    "@@0@@ @@5@@",
    "<!-- -->",
    "]]>",
    "&lt;script&gt;",
    "' onmouseover='alert(1)",
]


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("by", ["data", "author"])
def test_markup_in_text_is_inert(hostile: str, by: str) -> None:
    source = "{{x}}" if by == "data" else hostile
    written = source.replace("&lt;", "&amp;lt;").replace("&gt;", "&amp;gt;") if by == "author" else source
    elements = [
        {"type": "meta", "title": source},
        text(written),
        text(written, text_style="h1"),
        {"type": "quote", "content": written},
        {"type": "action", "content": source, "href": "https://x.org/" + source},
        {"type": "image", "src": "https://x.org/" + source, "alt_text": source},
        text(written, color=source),
    ]
    made = output(Channel.EMAIL, *elements, x=hostile)
    plain = output(Channel.EMAIL, *elements, x="x") if by == "data" else None

    assert "<script" not in made.html
    assert "mj-" not in re.sub(r"&lt;.*?&gt;", "", re.sub(r"mj-(outlook|column|full)", "", made.html))
    assert unbalanced(made.html) == []
    assert made.subject == hostile
    if plain is not None:
        assert tags(made.html) == tags(plain.html)


@given(st.text(max_size=30))
def test_no_value_changes_the_structure_of_an_email(value: str) -> None:
    elements = [
        {"type": "meta", "title": "a {{x}}"},
        text("a{{x}}b", text_style="h2"),
        {"type": "action", "content": "a{{x}}", "href": "https://x.org/{{x|urlencode}}"},
    ]

    assert tags(output(Channel.EMAIL, *elements, x=value).html, "br") == tags(
        output(Channel.EMAIL, *elements, x="y").html, "br"
    )


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, tuple[str, ...]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(name for name, _ in attrs)))
        if tag not in {"br", "img", "meta", "link", "hr"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, tuple(name for name, _ in attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def parsed(html: str) -> _Tags:
    parser = _Tags()
    parser.feed(html)
    parser.close()
    return parser


def tags(html: str, *ignored: str) -> list[tuple[str, tuple[str, ...]]]:
    return [tag for tag in parsed(html).seen if tag[0] not in ignored]


def unbalanced(html: str) -> list[str]:
    parser = parsed(html)
    return parser.wrong + parser.open


# --- which content -------------------------------------------------------------------------------


def test_the_providers_block_comes_before_the_channels_before_the_default() -> None:
    blocks = [block("default", text("default")), block("sms", text("sms")), block("twilio", text("twilio"))]

    assert output(Channel.SMS, *blocks, provider="twilio").body == "twilio"
    assert output(Channel.SMS, *blocks, provider="vonage").body == "sms"
    assert output(Channel.PUSH, *blocks).body == "default"


def test_without_a_block_there_is_nothing_to_send() -> None:
    made = document(block("email", text("x")))

    assert not serves(made, Channel.SMS, "twilio")
    with pytest.raises(ContentError, match="nothing for channel `sms`"):
        build(made, channel=Channel.SMS, provider="twilio", context=CONTEXT)


def test_a_failed_block_is_that_channels_failure() -> None:
    made = Document(blocks=(ChannelBlock(channel="sms", error="line 2: oops"),))

    assert serves(made, Channel.SMS, "twilio")
    with pytest.raises(ContentError, match="line 2: oops"):
        build(made, channel=Channel.SMS, provider="twilio", context=CONTEXT)


def test_elements_are_filtered_by_channel_and_provider() -> None:
    elements = [text("all"), text("sms", channels=["sms"]), text("twilio", channels=["twilio", "push"])]

    assert output(Channel.SMS, *elements, provider="twilio").body == "all\nsms\ntwilio"
    assert output(Channel.SMS, *elements, provider="vonage").body == "all\nsms"
    assert output(Channel.PUSH, *elements).body == "all\ntwilio"


def test_a_document_serves_where_something_is_shown() -> None:
    mail_only = document(text("x", channels=["email"]), {"type": "html", "content": "<p>x</p>"})

    assert serves(mail_only, Channel.EMAIL, "smtp")
    assert not serves(mail_only, Channel.SMS, "twilio")


@pytest.mark.parametrize(
    ("channel", "raw", "expected"),
    [
        (Channel.SMS, {"body": "x"}, SmsOutput(body="x")),
        (Channel.PUSH, {"title": "t", "click_url": "u"}, PushOutput(title="t", body="", click_url="u")),
        (Channel.INBOX, {"title": "t", "body": "b"}, InboxOutput(title="t", body="b")),
        (Channel.DIRECT_MESSAGE, {"slackBlocks": []}, ChatOutput(title="", text="", raw={"slackBlocks": []})),
        (Channel.WEBHOOK, {"payload": {"body": {"a": 1}}}, WebhookOutput(payload={"a": 1})),
    ],
)
def test_raw_content_of_each_channel(channel: Channel, raw: dict[str, Any], expected: object) -> None:
    assert output(channel, block(channel.value, raw=raw)) == expected


@pytest.mark.parametrize("channel", [c for c in Channel if c is not Channel.DIRECT_MESSAGE])
def test_raw_content_that_says_nothing_fails(channel: Channel) -> None:
    with pytest.raises(ContentError, match="raw content for"):
        output(channel, block(channel.value, raw={"nothing": 1}))


def test_an_image_with_a_link_leads_there_in_the_inbox() -> None:
    image = {"type": "image", "src": "https://e.org/i.png", "alt_text": "i", "href": "https://e.org/"}
    assert output(Channel.INBOX, image).body == "[![i](https://e.org/i.png)](https://e.org/)"
