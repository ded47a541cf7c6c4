"""``notify metrics``: the state of the queues and of what all machines share, as Prometheus would read it."""

import typer

from notify.cli.failure import explained
from notify.cli.target import DataDir
from notify.local import instance
from notify.manage import exposition


def metrics(data_dir: DataDir = instance.DEFAULT_DIR) -> None:
    """Print what /metrics says: queues, lags, circuits, and what this machine's processes have counted."""
    with explained():
        instance.adopt(data_dir)
        exposition.share(alone=True)
        text, _ = exposition.of_everything()
    typer.echo(text.decode(), nl=False)
