"""``notify send``: a message from the command line, and what became of it."""

import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from notify.cli import csv_send
from notify.cli.explain import show_dry_run
from notify.cli.failure import USAGE, fail
from notify.cli.target import DataDir, InWorld, Json, Key, Target, Url, target
from notify.local import instance
from notify.local.timeline import status
from notify.model.names import World
from notify.model.status import FINAL, Status

_SUCCESS = {Status.SENT, Status.DELIVERED, Status.OPENED, Status.CLICKED, Status.SIMULATED}


def send(
    to_email: Annotated[str | None, typer.Option(help="Address to send to.")] = None,
    to_phone: Annotated[str | None, typer.Option(help="Phone number to send to, as +4930123456.")] = None,
    to_user: Annotated[str | None, typer.Option(help="Id of a stored profile to send to.")] = None,
    to: Annotated[str | None, typer.Option(help="The recipient (or a list of them) as JSON.")] = None,
    template: Annotated[str | None, typer.Option(help="Id or alias of a saved template.")] = None,
    title: Annotated[str | None, typer.Option(help="Title, without a template.")] = None,
    body: Annotated[str | None, typer.Option(help="Text, without a template.")] = None,
    data: Annotated[str | None, typer.Option(help="Variables of the content, as a JSON object.")] = None,
    channel: Annotated[list[str] | None, typer.Option(help="Channel to use; repeat for more.")] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Use all the channels, not the first that works.")
    ] = False,
    idempotency_key: Annotated[
        str | None, typer.Option(help="Send once however often this is called.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would happen, and send nothing.")
    ] = False,
    csv: Annotated[
        Path | None,
        typer.Option(help="Send to every row of a CSV file (- for stdin); call again to go on or try again."),
    ] = None,
    map_: Annotated[
        list[str] | None,
        typer.Option("--map", help="What a column means: COLUMN=email, COLUMN=data.name; COLUMN=-: nothing."),
    ] = None,
    encoding: Annotated[str | None, typer.Option(help="Of the CSV file; default: UTF-8.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="Of the CSV file; default: by its header.")] = None,
    report: Annotated[
        Path | None, typer.Option(help="Where refused rows go; default: FILE.refused.csv.")
    ] = None,
    concurrency: Annotated[int, typer.Option(min=1, max=256, help="Rows under way at once.")] = 32,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the final status.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.")] = 60,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.TEST,
) -> None:
    """Send a message and print its id; or, with --csv, one for each row of a file."""
    message: Json = {}
    parts = {"email": to_email, "phone_number": to_phone, "user_id": to_user}
    if csv is None:
        message["to"] = _recipient(to, parts)
    elif to or any(parts.values()) or wait:
        fail("notify: with --csv, the rows say whom to: leave out --to and --wait.", USAGE)
    message |= _content(template, title, body)
    if data:
        message["data"] = _json("--data", data, "object")
    if channel:
        message["routing"] = {"method": "all" if every else "single", "channels": channel}
    api = target(url, key, data_dir, world)
    if csv:
        options = csv_send.Options(
            path=csv,
            message=message,
            mapping=_mapping(map_ or ()),
            encoding=encoding,
            delimiter=delimiter,
            report=report,
            concurrency=concurrency,
            name=idempotency_key or "",
            dry_run=dry_run,
        )
        csv_send.run(api, options)
        return
    if dry_run:
        show_dry_run(api.post("send?dry_run=true", {"message": message}))
        return
    headers = {"Idempotency-Key": idempotency_key} if idempotency_key else None
    id_ = str(api.post("send", {"message": message}, headers)["requestId"])
    print(id_, flush=True)
    if wait:
        _wait(api, id_, timeout)


def _recipient(whole: str | None, parts: dict[str, str | None]) -> Any:
    given = {name: value for name, value in parts.items() if value}
    if whole and given:
        fail("notify: give --to or the other --to-... options, not both.", USAGE)
    if not whole and not given:
        fail("notify: whom to? Give --to-email, --to-phone, --to-user or --to.", USAGE)
    return _json("--to", whole, "object", "array") if whole else given


def _content(template: str | None, title: str | None, body: str | None) -> Json:
    if template and (title or body):
        fail("notify: give --template or --title and --body, not both.", USAGE)
    if template:
        return {"template": template}
    if not title and not body:
        fail("notify: what to say? Give --template, or --title and --body.", USAGE)
    return {"content": {"title": title or "", "body": body or ""}}


def _mapping(pairs: Sequence[str]) -> dict[str, str]:
    split = [pair.rpartition("=") for pair in pairs]
    if wrong := [pair for pair, (column, _, _) in zip(pairs, split, strict=True) if not column]:
        fail(f"notify: --map takes COLUMN=MEANING, not {wrong[0]!r}.", USAGE)
    return {column.strip(): meaning.strip() for column, _, meaning in split}


_KINDS: dict[str, type] = {"object": dict, "array": list}


def _json(option: str, text: str, *kinds: str) -> Any:
    try:
        value = json.loads(text)
    except ValueError as error:
        fail(f"notify: {option} is not JSON: {error}", USAGE)
    if not any(isinstance(value, _KINDS[kind]) for kind in kinds):
        fail(f"notify: {option} must be a JSON {' or '.join(kinds)}.", USAGE)
    return value


def _wait(api: Target, id_: str, timeout_s: float) -> None:
    """Wait until every message of the request is at its end; exit 1 unless all were sent."""
    deadline = time.monotonic() + timeout_s
    while not _over(found := list(api.get("messages", traceId=id_)["results"])):
        if time.monotonic() > deadline:
            statuses = ", ".join(one["status"] for one in found) or "nothing yet"
            fail(f"notify: not finished after {timeout_s:g} s: {statuses}")
        time.sleep(0.2)
    for one in found:
        Console(highlight=False).print(status(one), one.get("error") or "")
    if not all(one["status"] in _SUCCESS for one in found):
        raise typer.Exit(1)


def _over(found: list[Json]) -> bool:
    return bool(found) and all(one["status"] in FINAL for one in found)
