"""Elemental as recipients get it: control flow, locales, channel blocks, sugar, and what is left out."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from notify.content.elemental import resolve
from notify.errors import ContentError
from notify.expression import Limits
from notify.model.document import DOCUMENT, Action, Document, Image, Item, Text

LIMITS = Limits(timeout_ms=500, steps=100, output_bytes=10_000)
DATA: Mapping[str, Any] = {
    "name": "Ada",
    "items": [{"t": "Tea", "q": 2, "tags": ["hot", "green"]}, {"t": "Jam", "q": 0, "tags": []}],
    "markup": "[x](https://evil.example) <b>",
    "empty": [],
}


def text(content: str, **fields: Any) -> dict[str, Any]:
    return {"type": "text", "content": content, **fields}


def resolved(*elements: Any, locale: str | None = None, **content: Any) -> Document:
    document = {"version": "2022-01-01", "elements": list(elements), **content}
    return resolve(document, variables={"data": DATA, "profile": {"vip": True}}, locale=locale, limits=LIMITS)


def said(document: Document) -> list[str]:
    return [element.content for element in document.elements if isinstance(element, Text)]


def test_sugar_is_a_title_and_a_text() -> None:
    document = resolve(
        {"title": "Hi {{name}}", "body": "**{{name}}**"}, variables={"data": DATA}, locale=None, limits=LIMITS
    )

    assert [getattr(element, "title", None) or element.content for element in document.elements] == [
        "Hi Ada",
        "**Ada**",
    ]


def test_sugar_beside_elements_comes_first() -> None:
    assert said(resolved(text("second"), body="first")) == ["first", "second"]


@pytest.mark.parametrize("own", [[], [{"type": "channel", "channel": "default", "elements": [text("own")]}]])
def test_sugar_beside_channel_blocks_is_for_all_other_channels(own: list[Any]) -> None:
    blocks = resolved(
        {"type": "channel", "channel": "sms", "elements": [text("sms")]}, *own, body="any"
    ).blocks

    default = next(block for block in blocks if block.channel == "default")
    assert [element.content for element in default.elements] == ["any", *(["own"] if own else [])]


def test_values_are_escaped_where_they_stand() -> None:
    document = resolved(
        text("{{markup}}"),
        {"type": "html", "content": "<p>{{markup}}</p>"},
        {"type": "meta", "title": " {{markup}}\n"},
        {"type": "quote", "content": "{{markup}}"},
        {"type": "action", "content": "{{markup}}", "href": "https://x.org/?q={{name}}"},
    )

    markdown = r"\[x\]\(https://evil.example\) \<b\>"
    assert said(document) == [markdown]
    assert document.elements[1].content == "<p>[x](https://evil.example) &lt;b&gt;</p>"
    assert document.elements[2].title == DATA["markup"]
    assert document.elements[3].content == markdown
    assert document.elements[4].content == DATA["markup"]
    assert document.elements[4].href == "https://x.org/?q=Ada"


@pytest.mark.parametrize(
    ("condition", "shown"),
    [
        ("data.name === 'Ada'", True),
        ("data.nope", False),
        ("profile.vip && !data.nope", True),
        (False, False),
    ],
)
def test_if(condition: Any, shown: bool) -> None:
    assert said(resolved(text("x", **{"if": condition}))) == ["x"] * shown


def test_a_malformed_if_hides_its_element_with_a_warning() -> None:
    document = resolved(text("a", **{"if": "data.name ==="}), text("b"))

    assert said(document) == ["b"]
    assert document.warnings[0].startswith("elements[0].if: condition `data.name ===`")


def test_loop_repeats_and_if_is_asked_for_each_item() -> None:
    row = text("{{$.index}} {{$.item.t}} {{item.q}}", loop="data.items")

    assert said(resolved(row)) == ["0 Tea 2", "1 Jam 0"]
    assert said(resolved({**row, "loop": "{{items}}", "if": "$.item.q > 0"})) == ["0 Tea 2"]


@pytest.mark.parametrize("path", ["data.empty", "data.nope", "data.name"])
def test_a_loop_over_no_list_shows_nothing(path: str) -> None:
    assert resolved(text("x", loop=path)) == Document()


def test_an_inner_loop_hides_the_outer_item() -> None:
    group = {
        "type": "group",
        "loop": "items",
        "elements": [text("{{$.item}}", loop="$.item.tags"), text("{{$.item.t}}")],
    }

    assert said(resolved(group)) == ["hot", "green", "Tea", "Jam"]


def test_loops_are_bounded_over_the_whole_document() -> None:
    with pytest.raises(ContentError, match="limit: steps"):
        resolve(
            {"elements": [text("x", loop="data.many")] * 2},
            variables={"data": {"many": list(range(60))}},
            locale=None,
            limits=LIMITS,
        )


def test_a_ref_is_known_to_later_elements_only() -> None:
    document = resolved(
        text("early", **{"if": "refs.offer.visible"}),
        text("Offer for {{name}}", ref="offer"),
        text("hidden", ref="gone", **{"if": "false"}),
        text(
            "{{refs.offer.content}} {{refs.gone.visible}}",
            **{"if": "refs.offer.visible && !refs.gone.visible"},
        ),
    )

    assert said(document) == ["Offer for Ada", "Offer for Ada false"]


def test_groups_dissolve_and_hand_down_their_channels() -> None:
    inner = {
        "type": "group",
        "channels": ["email", "push"],
        "elements": [text("b", channels=["push", "sms"]), text("c")],
    }
    document = resolved({"type": "group", "channels": ["push", "email"], "elements": [text("a"), inner]})

    assert [(element.content, element.channels) for element in document.elements] == [
        ("a", ("push", "email")),
        ("b", ("push",)),
        ("c", ("push", "email")),
    ]


def test_every_element_says_in_which_column_it_stands() -> None:
    column = {"type": "column", "width": "30%", "elements": [text("a"), text("b", channels=["email"])]}
    each = {"type": "column", "loop": "items", "elements": [text("{{$.item.t}}")]}
    hidden = {**column, "if": "data.nope"}
    inner = {"type": "columns", "elements": [column, column]}
    elements = [hidden, column, each, inner, {"type": "divider"}]
    document = resolved(text("x"), {"type": "columns", "gap": 10, "elements": elements}, text("y"))

    cells = [element.cell for element in document.elements]
    assert said(document) == ["x", "a", "b", "Tea", "Jam", "a", "b", "a", "b", "y"]
    assert [cell and cell.column for cell in cells] == [None, 0, 0, 1, 2, 3, 3, 3, 3, 4, None]
    assert {(cell.row, cell.gap, len(cell.columns)) for cell in cells if cell} == {(2, "10px", 5)}
    assert [one.width for one in cells[1].columns] == ["30%", None, None, None, None]  # type: ignore[union-attr]


def test_a_row_has_so_many_columns_and_no_more() -> None:
    columns = [{"type": "column", "elements": [text(str(n))]} for n in range(14)]
    many = {"type": "columns", "elements": columns}
    roomy = replace(LIMITS, output_bytes=20_000)
    made = resolve({"elements": [many]}, variables={"data": DATA}, locale=None, limits=roomy)
    cells = [element.cell for element in made.elements]

    assert [cell is None for cell in cells] == [False] * 12 + [True] * 2
    row = {**many, "elements": [{"type": "column", "elements": [text("x", loop="items")] * 5}] * 3}
    small = replace(LIMITS, output_bytes=2000)
    with pytest.raises(ContentError, match="limit: output"):
        resolve({"elements": [row]}, variables={"data": DATA}, locale=None, limits=small)


def test_a_column_outside_columns_is_a_group() -> None:
    (element,) = resolved({"type": "column", "elements": [text("a")]}).elements
    assert element.cell is None


@pytest.mark.parametrize(
    ("locale", "expected"), [("fr", "Bonjour Ada"), ("fr-CA", "Hello"), ("FR", "Hello"), (None, "Hello")]
)
def test_a_locale_matches_exactly_or_not_at_all(locale: str | None, expected: str) -> None:
    element = text("Hello", locales={"fr": {"content": "Bonjour {{name}}", "if": "false", "type": "divider"}})

    assert said(resolved(element, locale=locale)) == [expected]


def test_inline_children_become_one_markdown_text() -> None:
    element = {
        "type": "text",
        "elements": [
            {"type": "string", "content": "Dear "},
            {"type": "string", "content": "{{name}} ", "bold": "true", "italic": True},
            {"type": "link", "content": "see {{markup}}", "href": "https://x.org/a b(1)"},
            {"type": "img", "src": "https://x.org/c.png", "alt_text": "a [cat]"},
            {"type": "string", "content": "!", "if": "data.nope"},
            {"type": "string", "content": "{{$.item.t}}", "loop": "items", "strikethrough": True},
            {"type": "link", "content": "no", "href": "javascript:alert(1)"},
            {"type": "divider"},
        ],
    }
    document = resolved(element)

    assert said(document) == [
        (
            r"Dear ***Ada*** [see \[x\]\(https://evil.example\) \<b\>](https://x.org/a%20b%281%29)"
            r"![a \[cat\]](https://x.org/c.png)~~TeaJam~~no"
        )
    ]
    assert len(document.warnings) == 2


def test_lists_become_markdown_lists() -> None:
    inner = {"type": "list-item", "elements": [{"type": "list-item", "content": "deep"}]}
    element = {
        "type": "list",
        "list_type": "ordered",
        "elements": [
            {"type": "list-item", "content": "{{$.item.t}}", "loop": "items"},
            {"type": "list-item", "elements": [{"type": "string", "content": "end"}]},
            inner,
        ],
    }

    assert said(resolved(element)) == ["1. Tea\n2. Jam\n3. end\n4. \n   - deep"]


def test_items_of_a_list_have_a_mark_and_colors_of_their_own() -> None:
    nested = {"type": "list-item", "content": "a", "elements": [{"type": "list-item", "content": "b"}]}
    items = [{"type": "list-item", "content": "c", "background_color": "#ff0000"}, nested]
    mark = {"imgSrc": "https://x.org/{{name}}.png", "imgHref": "javascript:x"}
    document = resolved({"type": "list", "elements": items, **mark}, {"type": "list", "elements": [nested]})

    first, plain = document.elements
    image = "https://x.org/Ada.png"
    assert isinstance(first, Text)
    assert first.items == (Item(background_color="#ff0000", image=image), Item(image=image), Item())
    assert isinstance(plain, Text)
    assert plain.items is None
    assert "is not allowed" in document.warnings[0]


@pytest.mark.parametrize(
    "href", ["javascript:alert(1)", "java\nscript:alert(1)", " data:text/html,x", "VBSCRIPT:x", "file:///x"]
)
def test_a_forbidden_scheme_leaves_the_url_empty(href: str) -> None:
    document = resolved({"type": "action", "content": "Go", "href": href})

    action = document.elements[0]
    assert isinstance(action, Action)
    assert action.href == ""
    assert "is not allowed" in document.warnings[0]


@pytest.mark.parametrize(
    "href", ["https://x.org", "HTTP://x.org", "mailto:a@x.org", "tel:+1", "/relative", "x.org/a?b=c:d"]
)
def test_usual_urls_stay(href: str) -> None:
    assert resolved({"type": "action", "content": "Go", "href": href}).elements[0].href == href


def test_an_image_needs_an_image_url() -> None:
    image = {"type": "image", "src": "cid:logo", "altText": "Logo", "width": 120, "href": "mailto:a@x.org"}
    document = resolved(image, {"type": "image", "src": "data:image/png;base64,AA"})

    assert document.elements == (Image(src="cid:logo", alt_text="Logo", width="120", href="mailto:a@x.org"),)
    assert len(document.warnings) == 2


def test_styles_are_checked_words_only() -> None:
    element = text(
        "x", align="middle", text_style="h9", color="red;background:url(https://evil)", bold="True", italic=1
    )
    document = resolved(element, text("y", align="right", text_style="h2", color="#ff0000"))

    assert document.elements == (
        Text(content="x", bold=True),
        Text(content="y", align="right", text_style="h2", color="#ff0000"),
    )
    assert "is not a color" in document.warnings[0]


def test_unknown_types_are_skipped_with_a_warning_and_comments_without() -> None:
    document = resolved(
        {"type": "carousel", "elements": [text("x")]}, {"type": "comment", "comment": "x"}, text("y")
    )

    assert said(document) == ["y"]
    assert document.warnings == ("elements[0]: there is no element type `carousel` here; skipped",)


def test_a_failing_block_does_not_fail_its_neighbours() -> None:
    bad = {"type": "channel", "channel": "email", "elements": [text("{{ name|date }}")]}
    good = {"type": "channel", "channel": "sms", "elements": [text("{{name}}")]}
    document = resolved(bad, good, {**good, "channel": "push", "if": "data.nope"})

    assert [(block.channel, len(block.elements)) for block in document.blocks] == [("email", 0), ("sms", 1)]
    assert document.blocks[0].error is not None
    assert "filter `date`" in document.blocks[0].error


def test_a_block_that_loops_too_long_leaves_the_others_their_time() -> None:
    greedy = {
        "type": "channel",
        "channel": "email",
        "elements": [text("{% for a in '" + "x" * 101 + "' %}{% endfor %}")],
    }
    document = resolved(
        greedy, {"type": "channel", "channel": "sms", "elements": [text("{% for a in 'xxx' %}a{% endfor %}")]}
    )

    assert [block.error is None for block in document.blocks] == [False, True]


def test_a_failing_flat_document_fails() -> None:
    with pytest.raises(ContentError, match="filter `date`"):
        resolved(text("{{ name|date }}"))


def test_raw_strings_are_rendered_for_where_they_stand() -> None:
    raw = {
        "subject": "{{markup}}",
        "html": "<p>{{markup}}</p>",
        "slackBlocks": [{"text": "{{name}}", "n": 1}],
    }
    (block,) = resolved(
        {"type": "channel", "channel": "slack", "raw": raw, "locales": {"fr": {"raw": {}}}}
    ).blocks

    assert block.raw == {
        "subject": DATA["markup"],
        "html": "<p>[x](https://evil.example) &lt;b&gt;</p>",
        "slackBlocks": [{"text": "Ada", "n": 1}],
    }


def test_raw_without_the_handlebars_transformer_stays_as_it_is() -> None:
    raw = {"html": "{{name}}", "transformers": ["mjml"]}

    assert resolved({"type": "channel", "channel": "email", "raw": raw}).blocks[0].raw == raw


def test_strict_content_reads_data_by_name_only() -> None:
    assert said(resolved(text("[{{name}}] {{data.name}}"), scope="strict")) == ["[] Ada"]


def test_a_document_survives_storage() -> None:
    column = {"type": "column", "elements": [text("b")]}
    document = resolved(
        text("a", channels=["sms"]), {"type": "divider"}, {"type": "columns", "elements": [column]}
    )

    assert DOCUMENT.validate_json(DOCUMENT.dump_json(document)) == document


def test_a_blocks_size_is_that_of_words_and_buttons_not_of_headings() -> None:
    texts = [{"type": "text", "content": "x", "text_style": style} for style in ("text", "h1", "subtext")]
    action = {"type": "action", "content": "Go", "href": "https://e.org"}
    block = {"type": "channel", "channel": "email", "font_size": "18px", "line_height": "2"}
    content = {"elements": [{**block, "elements": [*texts, action, {**action, "font_size": "9px"}]}]}
    shown: Any = resolve(content, variables={}, locale=None, limits=LIMITS).blocks[0].elements
    assert [one.font_size for one in shown] == ["18px", None, None, "18px", "9px"]
    assert [one.line_height for one in shown[:3]] == ["2", "2", "2"]
