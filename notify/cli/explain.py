"""``notify explain``: why a message went where it went; ``notify send --dry-run`` shows it beforehand."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any

import typer
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.text import Text
from rich.tree import Tree

from notify.cli.target import DataDir, InWorld, Json, Key, Url, target
from notify.local import instance
from notify.local.timeline import clock_time, line, status
from notify.model.names import World

_STYLES = {
    "starts": "green", "sent": "green", "simulated": "green", "active": "yellow", "standby": "cyan",
    "failed": "red", "returned": "red", "canceled": "yellow", "unused": "dim",
}  # fmt: skip


def explain(
    message_id: Annotated[str, typer.Argument(help="Id of the message, as `notify send` prints it.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Show why a message went where it went: what was considered, taken, skipped."""
    found = target(url, key, data_dir, world).get("messages", message_id, "explain")
    log = [Text(f"{clock_time(entry['ts'])}  ") + line(entry) for entry in found["log"]]
    _console().print(Panel(Group(*_course(found), *log), title=message_id, title_align="left"))


def show_dry_run(found: Json) -> None:
    """Print the answer of a dry run."""
    console, count = _console(), found["recipients"]["count"]
    many = f"{count} messages, of which the first {len(found['messages'])}" if count > 1 else "1 message"
    console.print(f"Dry run with a {found['mode']} key: {many}; nothing was sent.")
    for one in found["messages"]:
        console.print(Panel(Group(*_course(one)), title=one["recipient"], title_align="left"))


def _course(one: Mapping[str, Any]) -> Iterable[RenderableType]:
    yield Text.assemble(status(one), "  to ", (one["recipient"], "bold"))
    if one.get("error"):
        yield Text(one["error"], style="red")
    if one.get("sendAt"):
        yield Text(f"Held until {clock_time(one['sendAt'])}")
    if one.get("plan"):
        yield _tree(one["plan"], Tree(_method(one["plan"])))
    for skip in one["skipped"]:
        yield Text.assemble(
            ("skipped ", "dim"), f"{skip['entry']} ", (skip["code"], "yellow"), f"  {skip['why']}"
        )
    for output in one["outputs"]:
        yield _said(output)


def _tree(node: Mapping[str, Any], tree: Tree) -> Tree:
    for entry in node["entries"]:
        if "entries" in entry:
            _tree(entry, tree.add(_method(entry)))
            continue
        branch = tree.add(Text.assemble((entry["channel"], "bold"), f"  {_rules(entry)}"))
        for provider in entry["providers"]:
            word = provider["standing"]
            branch.add(
                Text.assemble(
                    (f"{word:<9} ", _STYLES.get(word, "")), f"{provider['provider']}  {provider['why']}"
                )
            )
    return tree


def _method(node: Mapping[str, Any]) -> Text:
    return Text("all of" if node["method"] == "all" else "the first of", style="dim")


def _rules(entry: Mapping[str, Any]) -> str:
    once = entry["guarantee"] == "at_most_once"
    return f"{entry['timeout'] / 1000:g} s{', at most once' if once else ''}"


def _said(output: Mapping[str, Any]) -> Text:
    content = output.get("content") or {}
    heading = content.get("subject") or content.get("title") or ""
    words = content.get("text") or content.get("body") or output.get("error") or ""
    return Text.assemble((f"\n{output['channel']}", "cyan"), f"  {heading}\n", words.strip())


def _console() -> Console:
    return Console(highlight=False)
