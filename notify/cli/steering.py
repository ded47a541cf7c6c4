"""``notify pause``, ``resume``, ``pauses``, ``drain``, ``retry``, ``provider``: what operators steer with."""

import json
import re
import time
from datetime import UTC, datetime
from typing import Annotated

import typer

from notify.cli.failure import USAGE, explained, fail
from notify.cli.table import AsJson, show
from notify.cli.target import DataDir, InWorld, Json, Key, Target, Url, target
from notify.local import instance
from notify.manage import provider_test
from notify.model.names import Channel, World
from notify.model.pause import PauseKind

provider_app = typer.Typer(help="Change how providers are called.", no_args_is_help=True)

Kind = Annotated[PauseKind, typer.Argument(help="What; intake: refuse new sends, finish the others.")]
Subject = Annotated[
    str | None,
    typer.Argument(help="The channel, the provider (key, alias or id), the tenant or the request's id."),
]
_RATE = re.compile(r"^(\d+(?:\.\d+)?)/(second|minute|hour)$")


def pause(
    kind: Kind,
    subject: Subject = None,
    reason: Annotated[str | None, typer.Option(help="Why; shown wherever it holds.")] = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.PRODUCTION,
) -> None:
    """Hold work back from the next batch on. Nothing is lost, and no timeout runs."""
    api = target(url, key, data_dir, world)
    made = api.post("pauses", {"kind": kind, "key": subject, "reason": reason})
    print(f"Paused in {world}: {made['kind']} {made['label']}".rstrip())


def resume(
    kind: Kind,
    subject: Subject = None,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.PRODUCTION,
) -> None:
    """Let it go on, at once and in order."""
    api = target(url, key, data_dir, world)
    wanted = subject or ""
    found = [
        one
        for one in api.get("pauses")["results"]
        if one["kind"] == kind and wanted in (one["key"], one["label"]) and "resumed" not in one
    ]
    if not found:
        fail(f"notify: not paused in {world}: {kind} {wanted}".rstrip())
    for one in found:
        api.delete("pauses", one["id"])
        print(f"Resumed in {world}: {one['kind']} {one['label']}".rstrip())


def pauses(
    as_json: AsJson = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.PRODUCTION,
) -> None:
    """List what is paused, and how much that holds."""
    found = target(url, key, data_dir, world).get("pauses")["results"]
    columns = ("what", "holds", "since", "by", "reason")
    show(columns, found, _pause, as_json=as_json, empty=f"Nothing is paused in {world}.")


def _pause(one: Json) -> Json:
    what = f"{one['kind']} {one['label']}".rstrip()
    shown = f"{what} (being resumed)" if "resumed" in one else what
    return {**one, "what": shown, "holds": one["held"], "since": one["paused"][:19], "by": one["pausedBy"]}


def drain(
    off: Annotated[bool, typer.Option("--off", help="Take new sends again.")] = False,
    wait: Annotated[bool, typer.Option("--wait", help="Wait until nothing is under way any more.")] = False,
    timeout: Annotated[float, typer.Option(help="Seconds to wait at most.")] = 600,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.PRODUCTION,
) -> None:
    """Refuse new sends (503 with Retry-After) and finish those that are under way."""
    if off:
        resume(PauseKind.INTAKE, None, url, key, data_dir, world)
        return
    pause(PauseKind.INTAKE, None, "drained", url, key, data_dir, world)
    if wait:
        _wait(target(url, key, data_dir, world), timeout)


def _wait(api: Target, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while _is_under_way(api):
        if time.monotonic() > deadline:
            fail(f"notify: still under way after {timeout_s:g} s: see `notify messages --status ROUTED`")
        time.sleep(1)
    print("Nothing is under way.")


def _is_under_way(api: Target) -> bool:
    # What is delayed or held waits as long as it has to; the list is short, since it is of unfinished work.
    return any(api.get("messages", status=status)["results"] for status in ("ENQUEUED", "ROUTED"))


def retry(
    message_id: Annotated[str | None, typer.Argument(help="One failed message; or give filters.")] = None,
    status: Annotated[str | None, typer.Option(help="UNDELIVERABLE, UNROUTABLE or UNMAPPED.")] = None,
    reason: Annotated[str | None, typer.Option(help="Such as PROVIDER_ERROR or FAILED.")] = None,
    provider: Annotated[str | None, typer.Option(help="A provider whose delivery failed.")] = None,
    notification: Annotated[str | None, typer.Option(help="Only of this template.")] = None,
    since: Annotated[datetime | None, typer.Option(help="Accepted then or later; UTC.")] = None,
    until: Annotated[datetime | None, typer.Option(help="Accepted before; UTC.")] = None,
    set_aside: Annotated[bool, typer.Option("--set-aside", help="Only what killed its workers.")] = False,
    every: Annotated[bool, typer.Option("--all", help="All failures there are.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say how many there are.")] = False,
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.PRODUCTION,
) -> None:
    """Send failed messages again, as new ones; each is retried once, and both logs name the other."""
    given = {
        "message": message_id, "status": status, "reason": reason, "provider": provider,
        "notification": notification, "since": _utc(since), "until": _utc(until),
        "setAside": set_aside or None,
    }  # fmt: skip
    asked = {name: value for name, value in given.items() if value is not None}
    if not asked and not every:
        fail("notify: which ones? Give a message, filters, or --all.", USAGE)
    api = target(url, key, data_dir, world)
    if dry_run:
        print(f"{api.post('retries', {**asked, 'dryRun': True})['count']} would be sent again.")
        return
    print(f"{_retry(api, asked)} sent again.")


def _retry(api: Target, asked: Json) -> int:
    # What this makes is newer: what fails again meanwhile is left for another day.
    bound = {"until": datetime.now(UTC).isoformat(), **asked} if "message" not in asked else asked
    total = 0
    while found := api.post("retries", bound)["results"]:
        for one in found:
            print(f"{one['messageId']} -> {one['retriedAs']}")
        total += len(found)
        if "message" in asked:
            break
    return total


def _utc(at: datetime | None) -> str | None:
    return at.replace(tzinfo=UTC).isoformat() if at else None


@provider_app.command()
def rate(
    name: Annotated[str, typer.Argument(help="The provider: its key, alias or configuration id.")],
    limit: Annotated[str, typer.Argument(help="At most so many calls: 10/second, 600/minute, none.")],
    url: Url = None,
    key: Key = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.PRODUCTION,
) -> None:
    """Change a provider's rate limit; it holds for what waits already, within a minute."""
    match = _RATE.match(limit)
    if not match and limit != "none":
        fail("notify: give a rate as 10/second, 600/minute, 1000/hour or none", USAGE)
    api = target(url, key, data_dir, world)
    asked = {"rate": float(match[1]), "period": match[2]} if match else None
    api.put(f"providers/{_provider(api, name)}/rate-limit", {"rate_limit": asked})
    print(f"{name}: {limit}")


@provider_app.command("test")
def try_provider(
    name: Annotated[str, typer.Argument(help="The provider: its key, alias or configuration id.")],
    to: Annotated[str, typer.Option(help="Whom to reach: an address, a number, or a profile as JSON.")],
    channel: Annotated[Channel | None, typer.Option(help="Of several that it serves.")] = None,
    data_dir: DataDir = instance.DEFAULT_DIR,
    world: InWorld = World.PRODUCTION,
) -> None:
    """Send a test through one provider, now, and say what it answered. Needs DATABASE_URL, no running API."""
    with explained():
        instance.adopt(data_dir)
        problem = provider_test.send(world, name, _profile(to), channel)
    if problem:
        fail(f"notify: {name}: {problem}")
    print(f"{name} took it.")


def _profile(to: str) -> Json:
    """The profile of whoever is to be reached."""
    if to.lstrip().startswith("{"):
        try:
            found = json.loads(to)
        except ValueError as error:
            fail(f"notify: --to is not valid JSON: {error}", USAGE)
        return dict(found)
    if to.startswith(("http://", "https://")):
        return {"webhook": {"url": to}}
    return {"email": to} if "@" in to else {"phone_number": to}


def _provider(api: Target, name: str) -> str:
    found = api.get("providers")["results"]
    named = [one for one in found if name in (one["id"], one.get("alias"))] or [
        one for one in found if one["provider"] == name
    ]
    if len(named) != 1:
        how = "not configured" if not named else "configured more than once: give an alias or id"
        fail(f"notify: {name} is {how}.")
    return str(named[0]["id"])
