"""Markdown as HTML and as plain text."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from notify.content import markdown
from notify.content.markdown import to_html, to_plain
from notify.expression.values import escape_markdown


@pytest.mark.parametrize(
    ("source", "plain"),
    [
        ("Hi **Ada**, *you* ~~not~~ `x`", "Hi Ada, you not x"),
        ("[Track](https://x.org/1) it", "Track (https://x.org/1) it"),
        ("<https://x.org>", "https://x.org"),
        ("[a@x.org](mailto:a@x.org)", "a@x.org"),
        ("![A cat](https://x.org/c.png) ![](https://x.org/d.png)", "A cat https://x.org/d.png"),
        ("# Big\n\nsmall", "Big\n\nsmall"),
        ("one\ntwo", "one\ntwo"),
        ("one\n\n\ntwo", "one\n\ntwo"),
        ("- a\n- **b**\n  - c\n\nend", "- a\n- b\n  - c\n\nend"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("> a\n> b", "> a\n> b"),
        ("a\n\n---\n\nb", "a\n\n---\n\nb"),
        ("```\ncode *x*\n```", "code *x*"),
        (r"1\. \*not bold\* \# no", "1. *not bold* # no"),
        ("[bad](javascript:alert(1))", "[bad](javascript:alert(1))"),
        ("", ""),
    ],
)
def test_plain_text_has_no_marks(source: str, plain: str) -> None:
    assert to_plain(source) == plain


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "JaVaScRiPt:x", "data:text/html,x", "vbscript:x", "file:///etc", "intent://x"],
)
def test_only_known_schemes_become_links(url: str) -> None:
    assert "href" not in to_html(f"[a]({url})")
    assert "<img" not in to_html(f"![a]({url})")


def test_html_in_markdown_is_text() -> None:
    assert to_html("a <script>alert(1)</script>\n\n<div onclick=x>") == (
        "<p>a &lt;script&gt;alert(1)&lt;/script&gt;</p>\n<p>&lt;div onclick=x&gt;</p>"
    )


@given(st.text(alphabet="ab1 \n\t\\`*_[]()<>#+-.!~&;:=\"'", max_size=20))
def test_the_short_way_reads_like_the_parser(source: str) -> None:
    literal = markdown._literal(source)
    if literal:
        parser = markdown._PARSER
        long_way = parser.renderer.render(parser.parse(source), parser.options, {})
        assert to_html(source).split() == long_way.replace("&quot;", '"').split()
        assert to_plain(source).split() == markdown._Plain().blocks(parser.parse(source)).split()


@given(st.text(max_size=40))
@example("&lt;&#60;&amp")
def test_an_escaped_value_reads_as_it_was(value: str) -> None:
    assert to_plain(f"x{escape_markdown(value)}x").split() == f"x{value}x".replace("\x00", "\ufffd").split()
