"""A text with its style as Markdown, for channels that show Markdown: a text goes in, Markdown comes out."""

from notify.model.document import Text

_HEADINGS = {"h1": "# ", "h2": "## ", "h3": "### "}


def markdown(text: Text) -> str:
    """The text's Markdown, with what its fields say of headings, bold, italic and strikethrough."""
    content = text.content.strip()
    if not content:
        return ""
    marks = "~~" * text.strikethrough + "**" * text.bold + "*" * text.italic
    # Marks do not reach over paragraphs or lists, and inside bold text they would end it.
    plain = "\n" not in content and not any(mark in content for mark in "*~")
    styled = f"{marks}{content}{marks[::-1]}" if marks and plain else content
    return _HEADINGS.get(text.text_style, "") + styled
