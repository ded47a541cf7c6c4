"""Markdown to Slack's mrkdwn (https://docs.slack.dev/messaging/formatting-message-text).

In: CommonMark whose data values are already escaped. Out: mrkdwn with ``& < >`` as entities, so that no
text can become a link, a mention or a channel.
"""

from collections.abc import Sequence
from urllib.parse import quote

from markdown_it import MarkdownIt
from markdown_it.token import Token

_MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("strikethrough")
_MARKS = {"strong": "*", "em": "_", "s": "~"}
_BULLET = "• "


def escape(text: str) -> str:
    """Slack's three control characters as entities."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def from_markdown(text: str) -> str:
    """``text`` in mrkdwn: headings become bold, list items get bullets or numbers, images their text."""
    return _blocks(_MARKDOWN.parse(text)).strip("\n")


def _blocks(tokens: Sequence[Token]) -> str:
    out: list[str] = []
    numbers: list[int | None] = []
    for token in tokens:
        match token.type:
            case "inline":
                out.append(_inline(token.children or ()))
            case "fence" | "code_block":
                out.append(f"```\n{escape(token.content)}```\n")
            case "heading_open":
                out.append("*")
            case "heading_close":
                out.append("*\n")
            case "paragraph_close":
                out.append("\n" if token.hidden else "\n\n")
            case "bullet_list_open":
                numbers.append(None)
            case "ordered_list_open":
                numbers.append(int(token.attrGet("start") or 1))
            case "bullet_list_close" | "ordered_list_close":
                numbers.pop()
            case "list_item_open":
                out.append("    " * (len(numbers) - 1) + _marker(numbers))
            case "blockquote_open":
                out.append("> ")
            case "hr":
                out.append("---\n")
    return "".join(out)


def _marker(numbers: list[int | None]) -> str:
    number = numbers[-1]
    if number is None:
        return _BULLET
    numbers[-1] = number + 1
    return f"{number}. "


def _inline(tokens: Sequence[Token]) -> str:
    return "".join(map(_piece, tokens))


def _piece(token: Token) -> str:
    match token.type:
        case "code_inline":
            return f"`{escape(token.content)}`"
        case "link_open":
            return f"<{_link(str(token.attrGet('href') or ''))}|"
        case "link_close":
            return ">"
        case "softbreak" | "hardbreak":
            return "\n"
        case "image":
            return escape(token.content)
    if token.type.endswith(("_open", "_close")):
        return _MARKS.get(token.type.rpartition("_")[0], "")
    return escape(token.content)


def _link(url: str) -> str:
    # At its beginning these would make a mention of it: <!channel|here>.
    if url.startswith(("!", "@", "#")):
        url = quote(url[0], safe="") + url[1:]
    # A bar would end the address and begin the shown text.
    return escape(url).replace("|", "%7C")
