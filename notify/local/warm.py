"""supervisord whose processes start warm: forked from one that has imported what they need.

``python -m notify.local.warm -c FILE`` is supervisord; only, a process of the Procfile that is a Python
program of ours is not executed but goes on from the fork. What is imported is then in memory once for all of
them and not once for each, and a process is there in a moment. Its code is as old as supervisord itself:
after an upgrade ``notify up`` has to be started again.
"""

import atexit
import gc
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from importlib import import_module
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, NoReturn

from supervisor import supervisord
from supervisor.options import ServerOptions

from notify import settings
from notify.local import process, procfile

_IMPORTED = (
    "workers.app", "notify.api.app",
    "psycopg", "sqlalchemy.dialects.postgresql.psycopg", "kombu.transport.redis",
    "uvicorn.main", "uvicorn.lifespan.on", "uvicorn.loops.auto", "uvicorn.loops.uvloop",
    "uvicorn.protocols.http.auto", "uvicorn.protocols.http.httptools_impl",
    "uvicorn.protocols.websockets.auto", "anyio._backends._asyncio",
    "flower.command", "workers.flower", "tornado.platform.asyncio",
    "celery.__main__", "celery.bin.celery", "celery.apps.worker", "celery.apps.beat", "celery.app.amqp",
    "celery.app.control", "celery.app.events", "celery.app.log", "celery.worker.autoscale",
    "celery.worker.components", "celery.worker.strategy", "celery.worker.consumer.delayed_delivery",
    "celery.concurrency.thread", "celery.concurrency.prefork",
)  # fmt: skip
"""What the processes would import by themselves, some of it only at first use."""

_HEEDED_BY_SUPERVISORD = ("SIGTERM", "SIGINT", "SIGQUIT", "SIGHUP", "SIGCHLD", "SIGUSR2")


class WarmOptions(ServerOptions):  # type: ignore[misc]  # supervisor is untyped
    """How supervisord starts a program: servers are executed, processes of the Procfile go on."""

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> None:
        if argv[: len(procfile.COMMAND)] != procfile.COMMAND:
            super().execve(filename, argv, env)
        os.environ.clear()
        os.environ.update(env)
        _become(*argv[len(procfile.COMMAND) :])


def load() -> None:
    """Import what the processes are going to need, and have the garbage collector keep off it."""
    for name in _IMPORTED:
        import_module(name)
    import_module("workers.app").app.loader.import_default_modules()
    gc.collect()
    gc.freeze()


def _become(name: str, path: str) -> NoReturn:
    for signal_name in _HEEDED_BY_SUPERVISORD:
        signal.signal(signal.Signals[signal_name], signal.SIG_DFL)
    environment, niceness, argv = procfile.parsed(procfile.read(Path(path))[name])
    script = next(iter(entry_points(group="console_scripts", name=argv[0])), None)
    if script is None:
        procfile.become(name, Path(path))
    process.die_with_parent()
    process.name_it(name)
    os.nice(niceness)
    os.environ.update(environment)
    settings.load.cache_clear()
    sys.argv = [shutil.which(argv[0]) or argv[0], *argv[1:]]
    os._exit(_run(script.load()))


def _run(main: Callable[[], Any]) -> int:
    """Run a program as the interpreter would, to its end; its exit code."""
    code = 1
    try:
        sys.exit(main())
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001  # what the interpreter does with it
        sys.excepthook(*sys.exc_info())
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    """Be supervisord."""
    load()
    options = WarmOptions()
    options.realize(doc=__doc__)
    options.first, options.test = True, False
    supervisord.go(options)
    options.close_httpservers()
    options.close_logger()


if __name__ == "__main__":
    main()
