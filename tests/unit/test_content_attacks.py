"""A value of a stranger stays a value wherever a template puts it: no markup, link, header or mention.

Each value of ``data/content_attacks.json`` is put into every place of a document; what comes out is read as
its reader does: HTML by an HTML parser, mail by the mail parser, Slack's text by Slack's own rules.
"""

import email
import email.policy
import json
import re
from datetime import UTC, datetime
from email.message import EmailMessage
from html.parser import HTMLParser
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.content.line import one_line
from notify.errors import ContentError
from notify.model.names import Channel
from notify.providers.chat import mrkdwn
from notify.providers.email.address import Mailbox, mailbox
from notify.providers.email.mail import Mail
from notify.providers.email.mime import to_bytes
from tests.unit.test_content_output import output

CASES: list[dict[str, str]] = json.loads(
    (Path(__file__).parent / "data" / "content_attacks.json").read_text()
)
ELEMENTS: list[dict[str, Any]] = [
    {"type": "meta", "title": "Hi {{x}}"},
    {"type": "text", "content": "Hello {{x}}, [here]({{x}}) and **{{x}}**"},
    {"type": "text", "content": "{{x}}", "text_style": "h1"},
    {"type": "quote", "content": "{{x}}"},
    {"type": "action", "content": "{{x}}", "href": "{{x}}"},
    {"type": "image", "src": "{{x}}", "alt_text": "{{x}}", "href": "{{x}}"},
    {"type": "html", "content": "<p title=\"{{x}}\" lang='{{x}}'>{{x}}</p>"},
]
RUNS = {"javascript", "data", "vbscript", "file"}
OPEN_TO_DATA = {"href", "src", "alt", "title", "lang"}
each = pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])


class Seen(HTMLParser):
    """Tags and attributes of a page, as a browser sees them; values left out where values belong."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.shape: list[Any] = []
        self.urls: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, [(n, None if n in OPEN_TO_DATA else v) for n, v in attrs]))
        self.urls += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_endtag(self, tag: str) -> None:
        self.shape.append(f"/{tag}")


def tags(page: str) -> list[str]:
    """The tags but those that depend on which of the URLs are allowed, and on lines."""
    varying = {"a", "/a", "img", "/img", "br", "/br", "p", "/p", "strong", "/strong"}
    return [
        name for one in Seen(page).shape if (name := one if isinstance(one, str) else one[0]) not in varying
    ]


def scheme_of(url: str) -> str:
    """As browsers read it: control characters and spaces do not count."""
    return re.sub(r"[\x00-\x20]", "", url).partition(":")[0].lower()


TEXTS = [one for one in ELEMENTS if one["type"] in {"meta", "text", "quote", "html"}]


@each
def test_no_markup_of_theirs_is_in_a_mail(case: dict[str, str]) -> None:
    seen, plain = (output(Channel.EMAIL, *TEXTS, x=value).html for value in (case["value"], "x"))
    assert tags(seen) == tags(plain)
    events = [name for one in Seen(seen).shape if not isinstance(one, str) for name, _ in one[1]]
    assert not [name for name in events if name.startswith("on")]


@each
@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.PUSH, Channel.INBOX, Channel.DIRECT_MESSAGE])
def test_no_url_runs(case: dict[str, str], channel: Channel) -> None:
    made = output(channel, *ELEMENTS, x=case["value"])
    urls = Seen(made.html).urls if channel is Channel.EMAIL else []
    for name in ("click_url", "image_url"):
        urls.append(getattr(made, name, None) or "")
    urls += [block.get("url", "") for block in getattr(made, "blocks", ())]
    urls += [button.url for button in getattr(made, "actions", ())]
    assert not {scheme_of(url) for url in urls} & RUNS


@each
def test_no_link_of_theirs_is_in_the_text_of_an_author(case: dict[str, str]) -> None:
    made = output(Channel.EMAIL, {"type": "text", "content": "Hello {{x}}!"}, x=case["value"])
    assert not [url for url in Seen(made.html).urls if "evil" in url]


@each
def test_slack_sees_no_mention_and_no_link_of_theirs(case: dict[str, str]) -> None:
    made = output(Channel.DIRECT_MESSAGE, *TEXTS, x=case["value"])
    said = [mrkdwn.escape(made.title), mrkdwn.escape(made.text)]
    said += [mrkdwn.from_markdown(b["text"]) for b in made.blocks if b["type"] in {"text", "quote"}]
    for text in said:
        # All that Slack acts on stands between angle brackets.
        for inside in re.findall(r"<([^>]*)>", text):
            assert not inside.startswith(("!", "@", "#")), text
            assert scheme_of(inside) not in RUNS, text
    assert "|https://bank.example>" not in "".join(said)


def mailed(sender: Mailbox, **said: str) -> EmailMessage:
    """A mail to ada, as a mail program reads it."""
    ada = Mailbox("ada@example.com")
    mail = Mail(sender=sender, to=ada, cc=(), bcc=(), reply_to=None, attachments=(), **said)
    raw = to_bytes(mail, "<1@example.com>", datetime(2030, 1, 1, tzinfo=UTC), {})
    return email.message_from_bytes(raw, policy=email.policy.default)


@each
def test_a_mail_has_no_headers_of_theirs(case: dict[str, str]) -> None:
    made = output(Channel.EMAIL, *ELEMENTS, x=case["value"])
    assert made.subject.isprintable() or "\u200d" in made.subject
    parsed = mailed(
        Mailbox("notify@example.com", "Shop"), subject=made.subject, html=made.html, text=made.text
    )
    assert set(parsed.keys()) == {
        "From",
        "To",
        "Subject",
        "Date",
        "Message-Id",
        "Mime-Version",
        "Content-Type",
    }
    assert [part.get_content_type() for part in parsed.walk()] == [
        "multipart/alternative",
        "text/plain",
        "text/html",
    ]
    assert " ".join(str(parsed["Subject"]).split()) == " ".join(made.subject.split())


@each
def test_no_name_becomes_another_recipient(case: dict[str, str]) -> None:
    value = case["value"]
    try:
        box = mailbox({"email": "ada@example.com", "name": value}, "from")
    except ContentError:
        return
    parsed = mailed(box, subject="x", html="", text="x")
    assert [one.addr_spec for one in parsed["From"].addresses] == ["ada@example.com"]
    assert parsed["Bcc"] is None


@each
@pytest.mark.parametrize("word", ["email", "from", "cc"])
def test_what_is_no_address_is_none(case: dict[str, str], word: str) -> None:
    with pytest.raises(ContentError):
        mailbox(f"{case['value']}, x", word)


def test_mjml_reads_no_files(tmp_path: Path) -> None:
    from notify.content.frame import compile_mjml

    secret = tmp_path / "secret.mjml"
    secret.write_text("<mj-section><mj-column><mj-text>top secret</mj-text></mj-column></mj-section>")
    for path in (str(secret), f"file://{secret}"):
        page = f'<mjml><mj-body><mj-include path="{path}" /></mj-body></mjml>'
        try:
            said = compile_mjml(page)
        except (ValueError, OSError) as error:
            said = str(error)
        assert "top secret" not in said


@pytest.mark.parametrize(
    "text",
    [
        "[" * 10_000,
        "![" * 5_000,
        "*a" * 10_000,
        "_*" * 10_000,
        "<" * 40_000,
        "`" * 20_000 + "x",
        "> " * 10_000,
        "- " * 5_000 + "x",
        "[a](" * 10_000,
        "a\n" * 20_000,
        "&" * 40_000,
        "\\" * 40_000,
        "~~" * 20_000,
        "<a href=" * 20_000,
        "<a " * 50_000,
        "<!--" * 40_000,
        "<a b='" * 20_000,
    ],
    ids=lambda text: text[:6],
)
@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.DIRECT_MESSAGE])
def test_no_text_takes_for_ever(text: str, channel: Channel) -> None:
    """Reading Markdown and HTML is no more than a little worse than linear, however it is nested."""
    started = process_time()
    made = output(channel, {"type": "text", "content": text}, {"type": "html", "content": text})
    for block in getattr(made, "blocks", ()):
        mrkdwn.from_markdown(block["text"])
    assert process_time() - started < 5


@given(st.text())
def test_a_line_is_a_line(text: str) -> None:
    made = one_line(text)
    assert len(made.splitlines()) <= 1
    assert one_line(made) == made
    assert one_line("مرحبا \u2067x\u2069 👩\u200d💻") == "مرحبا \u2067x\u2069 👩\u200d💻"
