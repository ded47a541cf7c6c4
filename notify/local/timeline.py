"""A message as a person reads it: its record and its log, as the API gives them."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

_GOOD = {"SENT", "DELIVERED", "OPENED", "CLICKED"}
_BAD = {"UNDELIVERABLE", "UNROUTABLE", "UNMAPPED"}
_HELD = {"DELAYED", "DIGESTED", "RETRYING", "CANCELED", "FILTERED", "THROTTLED", "SKIPPED"}
# Contents and profiles are long, and another command shows them.
_NOT_SHOWN = {
    "ts", "type", "channel", "integration", "output", "data", "profile", "override",
    "received_profile", "stored_profile", "merged_profile",
}  # fmt: skip


def style(word: str) -> str:
    """The colour of a status or of a kind of log line."""
    groups = (("green", _GOOD), ("red", _BAD), ("yellow", _HELD))
    return next((colour for colour, words in groups if word in words), "cyan")


def status(record: Mapping[str, Any]) -> Text:
    """The status of a message, with its reason."""
    word = str(record.get("status", "?"))
    reason = record.get("reason")
    return Text(f"{word} ({reason})" if reason else word, style=style(word))


def timeline(
    record: Mapping[str, Any], history: Iterable[Mapping[str, Any]], title: str = ""
) -> RenderableType:
    """Everything that happened to a message, oldest first."""
    parts: list[RenderableType] = [_head(record), _log(history)]
    if record.get("providers"):
        parts.append(_providers(record["providers"]))
    return Panel(Group(*parts), title=title or str(record.get("id", "")), title_align="left")


def _head(record: Mapping[str, Any]) -> Text:
    head = Text.assemble(status(record), "  to ", (str(record.get("recipient") or "?"), "bold"))
    if record.get("error"):
        head.append(f"\n{record['error']}", style="red")
    return head


def _log(history: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for name, options in {
        "after": {"justify": "right"},
        "what": {},
        "where": {},
        "": {"overflow": "fold"},
    }.items():
        table.add_column(name, **options)  # type: ignore[arg-type]
    entries = list(history)
    first = entries[0].get("ts", 0) if entries else 0
    for entry in entries:
        kind = str(entry.get("type", "?"))
        table.add_row(
            _elapsed(entry.get("ts", 0) - first), Text(kind, style=style(kind)), _place(entry), _detail(entry)
        )
    return table


def _providers(providers: Iterable[Mapping[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", title="Providers", title_justify="left")
    for name in ("channel", "provider", "status", "when", ""):
        table.add_column(name, overflow="fold")
    for one in providers:
        word = str(one.get("status", "?"))
        when = clock_time(one.get("delivered") or one.get("sent"))
        note = one.get("error") or _compact(one.get("reference"))
        table.add_row(
            _channel(one.get("channel")), one.get("provider", ""), Text(word, style=style(word)), when, note
        )
    return table


def clock_time(milliseconds: object) -> str:
    """Epoch milliseconds as a time of day, or nothing."""
    if not isinstance(milliseconds, int | float):
        return ""
    return datetime.fromtimestamp(milliseconds / 1000, UTC).astimezone().strftime("%H:%M:%S.%f")[:-3]


def _elapsed(milliseconds: float) -> str:
    return f"+{milliseconds / 1000:.3f} s"


def _place(entry: Mapping[str, Any]) -> str:
    integration = entry.get("integration")
    provider = integration.get("provider") if isinstance(integration, Mapping) else integration
    return " ".join(str(part) for part in (_channel(entry.get("channel")), provider) if part)


def _channel(channel: object) -> str:
    if isinstance(channel, Mapping):
        return str(channel.get("key") or channel.get("name") or "")
    return str(channel or "")


def _detail(entry: Mapping[str, Any]) -> str:
    shown = {
        key: value
        for key, value in entry.items()
        if key not in _NOT_SHOWN and value not in (None, "", [], {})
    }
    message = shown.pop("error_message", None)
    return ", ".join(
        part for part in (message, *(f"{key}: {_compact(value)}" for key, value in shown.items())) if part
    )


def _compact(value: object) -> str:
    if isinstance(value, Mapping):
        return " ".join(f"{key}={_compact(inner)}" for key, inner in value.items() if inner not in (None, ""))
    if isinstance(value, list):
        return "; ".join(_compact(inner) for inner in value)
    return "" if value is None else str(value)
