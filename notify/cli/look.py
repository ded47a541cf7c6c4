"""``notify messages``, ``message`` and ``outbox``: what was sent, what became of it, what it said."""

from collections.abc import Mapping
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from notify.cli.table import AsJson, Limit, items, show
from notify.cli.target import Json, Target, on_api
from notify.local.timeline import clock_time, status, timeline

Many = Annotated[list[str] | None, typer.Option()]


@on_api
def messages(
    api: Target,
    status_: Annotated[list[str] | None, typer.Option("--status", help="Only these statuses.")] = None,
    recipient: Annotated[str | None, typer.Option(help="Only to this recipient.")] = None,
    provider: Annotated[list[str] | None, typer.Option(help="Only through these providers.")] = None,
    notification: Annotated[str | None, typer.Option(help="Only of this template.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="Only with all these tags.")] = None,
    request: Annotated[str | None, typer.Option(help="Only those of this request.")] = None,
    limit: Limit = 20,
    as_json: AsJson = False,
) -> None:
    """List messages, newest first."""
    filters = {
        "status": status_, "recipient": recipient, "provider": provider, "notification": notification,
        "tag": tag, "traceId": request,
    }  # fmt: skip
    found = items(api, "messages", limit=limit, **filters)
    show(("id", "accepted", "status", "recipient", "error"), found, _message, as_json=as_json)


def _message(one: Json) -> Json:
    return {**one, "accepted": clock_time(one.get("enqueued")), "status": status(one)}


@on_api
def message(
    api: Target,
    message_id: Annotated[str, typer.Argument(help="Id of the message, as `notify send` prints it.")],
) -> None:
    """Show what happened to one message, step by step."""
    record = api.get("messages", message_id)
    _console().print(timeline(record, api.get("messages", message_id, "history")["results"]))


@on_api
def outbox(
    api: Target,
    limit: Limit = 10,
) -> None:
    """Show the messages the sandbox has kept instead of sending them, with what they say."""
    console = _console()
    kept = [*items(api, "messages", limit=limit, provider="sandbox")]
    for record in reversed(kept):
        outputs = api.get("messages", record["id"], "output")["results"]
        parts = [_output(one) for one in outputs if one["channel"] in _channels(api, record)]
        head = Text.assemble(
            status(record), f"  {clock_time(record.get('enqueued'))}  to {record.get('recipient')}"
        )
        console.print(Panel(Group(head, *parts), title=record["id"], title_align="left"))
    if not kept:
        console.print(
            "The outbox is empty: nothing has been sent in this world yet, or providers are configured."
        )


def _channels(api: Target, record: Json) -> set[str]:
    """The channels by which the sandbox was reached."""
    providers = api.get("messages", record["id"]).get("providers", [])
    return {one["channel"]["key"] for one in providers if one.get("provider") == "sandbox"}


def _output(output: Mapping[str, Any]) -> RenderableType:
    content = output["content"]
    heading = content.get("subject") or content.get("title")
    words = content.get("text") or content.get("body") or ""
    return Text.assemble(
        (f"\n{output['channel']}", "cyan"), f"  {heading}\n" if heading else "\n", words.strip()
    )


def _console() -> Console:
    return Console(highlight=False)
