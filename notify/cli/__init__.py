"""``notify``: run an instance, send, see what became of it, manage keys. A command parses, calls, prints."""

import typer

from notify.cli import explain, keys, limits, look, running, send, suppressions

app = typer.Typer(
    help="Notify: self-hosted notification delivery.",
    no_args_is_help=True,
    add_completion=False,
    # Locals of a traceback may hold keys and addresses.
    pretty_exceptions_show_locals=False,
)
app.command("up")(running.up)
app.command("demo")(running.demo)
app.command("migrate")(running.migrate)
app.command("settings")(running.settings_)
app.command("send")(send.send)
app.command("messages")(look.messages)
app.command("message")(look.message)
app.command("explain")(explain.explain)
app.command("outbox")(look.outbox)
app.add_typer(keys.app, name="keys")
app.add_typer(limits.app, name="limits")
app.add_typer(suppressions.app, name="suppressions")
