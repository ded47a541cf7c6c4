"""``python -m notify.cli``: the same as ``notify``."""

from notify.cli import app

app(prog_name="notify")
