"""``notify``: run an instance, send, see what became of it, manage keys. A command parses, calls, prints."""

import getpass
import socket

import typer

from notify import acting
from notify.cli import (
    check,
    explain,
    keys,
    limits,
    look,
    metrics,
    moving,
    operations,
    personal,
    progress,
    recipients,
    refusals,
    relay,
    running,
    send,
    steering,
    suppressions,
    webhooks,
)

app = typer.Typer(
    help="Notify: self-hosted notification delivery.",
    no_args_is_help=True,
    add_completion=False,
    # Locals of a traceback may hold keys and addresses.
    pretty_exceptions_show_locals=False,
)


@app.callback()
def _by_whom() -> None:
    acting.become(acting.Actor(id=_user(), name=f"{_user()}@{socket.gethostname()}", source="cli"))


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        return "unknown"


app.command("up")(running.up)
app.command("demo")(running.demo)
app.command("migrate")(running.migrate)
app.command("settings")(running.settings_)
app.command("send")(send.send)
app.command("messages")(look.messages)
app.command("message")(look.message)
app.command("explain")(explain.explain)
app.command("progress")(progress.progress)
app.command("metrics")(metrics.metrics)
app.command("relay")(relay.relay)
app.command("pause")(steering.pause)
app.command("resume")(steering.resume)
app.command("pauses")(steering.pauses)
app.command("drain")(steering.drain)
app.command("retry")(steering.retry)
app.command("check")(check.check)
app.command("status")(check.status)
app.command("canary")(check.canary)
app.command("audit")(operations.audit)
app.command("refusals")(refusals.refusals)
app.command("retention")(operations.retention)
app.command("export")(personal.export)
app.command("erase")(personal.erase)
app.add_typer(recipients.audiences_app, name="audiences")
app.add_typer(moving.app, name="import")
app.add_typer(keys.app, name="keys")
app.add_typer(limits.app, name="limits")
app.add_typer(recipients.lists_app, name="lists")
app.add_typer(relay.app, name="outbox")
app.add_typer(steering.provider_app, name="provider")
app.add_typer(operations.secrets_app, name="secrets")
app.add_typer(suppressions.app, name="suppressions")
app.add_typer(recipients.tenants_app, name="tenants")
app.add_typer(recipients.tokens_app, name="tokens")
app.add_typer(webhooks.app, name="webhooks")
