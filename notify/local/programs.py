"""What supervisord is to run: the embedded servers of an instance and the processes of the Procfile."""

from pathlib import Path

from notify.local import embedded, procfile, supervision
from notify.local.supervision import Program

# SIGTERM would have PostgreSQL wait for its clients; SIGINT disconnects them and is as clean.
_STOP_SIGNALS = {"postgres": "INT", "valkey": "TERM"}


def servers(names: tuple[str, ...], data_dir: Path) -> list[Program]:
    """The embedded servers."""
    return [_server(name, data_dir) for name in names]


def _server(name: str, data_dir: Path) -> Program:
    command = embedded.command(name, data_dir)
    return Program(name=name, command=command, group=supervision.SERVERS, stop=_STOP_SIGNALS[name])


def processes(path: Path, workers: int) -> list[Program]:
    """Every process of the Procfile, each kind of worker ``workers`` times."""
    return [
        _process(path, name, suffix)
        for name in procfile.read(path)
        for suffix in _suffixes(workers if name.startswith("worker") else 1)
    ]


def _process(path: Path, name: str, suffix: str) -> Program:
    return Program(
        name=f"{name}{suffix}",
        command=[*procfile.COMMAND, name, str(path.absolute())],
        group=supervision.PROCESSES,
        environment={"NOTIFY_INSTANCE": suffix},
    )


def _suffixes(count: int) -> list[str]:
    """The first of several keeps the plain name, so that scripts find it whatever the number."""
    return ["", *(f".{number}" for number in range(2, count + 1))]
