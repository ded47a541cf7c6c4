"""Links rewritten: which are, which are not, and that nothing else changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from notify.content import elemental, output
from notify.content.links import in_html, in_markdown, with_pixel, with_query
from notify.content.markdown import to_html
from notify.content.output import OutputContext
from notify.expression import Limits
from notify.model.names import Channel


def _marked(url: str) -> str:
    return f"https://t.example/{len(url)}"


@pytest.mark.parametrize(
    ("markdown", "rewritten"),
    [
        ("[a](https://x.example/)", "[a](https://t.example/18)"),
        ('[a](<https://x.example/> "title")', '[a](<https://t.example/18> "title")'),
        ("<https://x.example/>", "<https://t.example/18>"),
        ("[a](https://x.example/w_(y))", "[a](https://t.example/23)"),
        ("[![i](https://x.example/i.png)](https://x.example/)", "[![i](https://x.example/i.png)](https://t.example/18)"),
        ("- [a](https://x.example/)\n- b", "- [a](https://t.example/18)\n- b"),
        *(
            (same, same)
            for same in (
                "[a](mailto:ada@example.com)",
                "[a](tel:+4930)",
                "[a](/relative)",
                "[a](javascript:alert)",
                "![i](https://x.example/i.png)",
                "`[a](https://x.example/)`",
                r"\[a](https://x.example/)",
                "https://x.example/ typed as text",
                "plain",
                "",
            )
        ),
    ],
)  # fmt: skip
def test_links_in_markdown(markdown: str, rewritten: str) -> None:
    assert in_markdown(markdown, _marked) == rewritten


def test_a_link_somebody_disabled_stays() -> None:
    text = "[a](https://x.example/) [b](https://y.example/)"
    assert in_markdown(text, _marked, {"https://x.example/"}) == (
        "[a](https://x.example/) [b](https://t.example/18)"
    )


@given(st.text(alphabet="[]()<>`\\ab !*_\n\"'#-", max_size=60))
def test_nothing_but_urls_changes(markdown: str) -> None:
    source = markdown.replace("a", "[l](https://x.example/)")
    rewritten = in_markdown(source, _marked)
    assert to_html(rewritten).replace("https://t.example/18", "https://x.example/") == to_html(source)


@pytest.mark.parametrize(
    ("html", "rewritten"),
    [
        ('<a href="https://x.example/?a=1&amp;b=2">x</a>', '<a href="https://t.example/26">x</a>'),
        ("<A class=q HREF='https://x.example/'>x</A>", '<A class=q HREF="https://t.example/18">x</A>'),
        ('<mj-button href="https://x.example/">', '<mj-button href="https://t.example/18">'),
        *(
            (same, same)
            for same in (
                '<a href="mailto:ada@example.com">',
                '<a href="#top">',
                '<a data-disable-tracking href="https://x.example/">',
                '<a href="https://x.example/" disable_tracking="true">',
                '<link rel="stylesheet" href="https://x.example/">',
                '<img src="https://x.example/">',
                "href=https://x.example/",
            )
        ),
    ],
)
def test_links_in_html(html: str, rewritten: str) -> None:
    assert in_html(html, _marked) == rewritten


def test_a_rewritten_url_cannot_break_out_of_its_attribute() -> None:
    assert in_html('<a href="https://x.example/">', lambda url: '"><script>') == (
        '<a href="&quot;&gt;&lt;script&gt;">'
    )


@pytest.mark.parametrize(
    ("url", "marked"),
    [
        ("https://x.example", "https://x.example?utm_source=a+b"),
        ("https://x.example/p?q=1#f", "https://x.example/p?q=1&utm_source=a+b#f"),
        ("https://x.example/?utm_source=own", "https://x.example/?utm_source=own"),
        ("https://x.example/?q=%20&r", "https://x.example/?q=%20&r&utm_source=a+b"),
        ("https://[", "https://["),
    ],
)
def test_parameters_are_added_to_what_is_there(url: str, marked: str) -> None:
    assert with_query(url, {"utm_source": "a b"}) == marked


def test_a_pixel_stands_at_the_end_of_the_page() -> None:
    page = with_pixel("<html><body>Hi</body></html>", "https://t.example/o?a&b")
    assert page.startswith('<html><body>Hi<img src="https://t.example/o?a&amp;b" alt=""')
    assert page.endswith("/></body></html>")
    assert with_pixel("Hi", "u").startswith("Hi<img")


CONTENT = {
    "elements": [
        {"type": "text", "elements": [
            {"type": "link", "content": "kept", "href": "https://kept.example/", "disable_tracking": True},
            {"type": "link", "content": "read", "href": "https://x.example/{{data.id}}"},
        ]},
        {"type": "action", "content": "Go", "href": "https://x.example/"},
        {"type": "action", "content": "Stay", "href": "https://stay.example/", "disable_tracking": True},
        {"type": "image", "src": "https://x.example/i.png", "href": "https://x.example/"},
        {"type": "html", "content": '<a href="https://x.example/">x</a>'},
    ]
}  # fmt: skip


@pytest.mark.parametrize("channel", [Channel.EMAIL, Channel.INBOX, Channel.DIRECT_MESSAGE])
def test_disabled_links_are_left_alone_on_every_channel(channel: Channel) -> None:
    limits = Limits(timeout_ms=1000, steps=1000, output_bytes=100_000)
    document = elemental.resolve(CONTENT, variables={"data": {"id": "a_b"}}, locale=None, limits=limits)
    context = OutputContext(
        template=None, data={}, profile={}, rewrite=lambda url: f"https://t.example/?u={url}"
    )
    said = str(output.build(document, channel=channel, provider="p", context=context))
    assert "u=https://kept.example" not in said
    assert "u=https://stay.example" not in said
    for url in ("https://t.example/?u=https://x.example/a_b", "https://t.example/?u=https://x.example/"):
        assert url in said
    assert "u=https://x.example/i.png" not in said
