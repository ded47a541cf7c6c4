"""``notify check``: everything that has to be right for messages to go out, each finding with its fix."""

from collections.abc import Callable, Iterator
from functools import partial

from notify import log
from notify.manage import check_processes, check_providers, check_servers
from notify.manage.findings import Finding, fail

_log = log.get(__name__)


def run(*, workers_s: float = 3.0) -> Iterator[Finding]:
    """All checks, in the order in which things have to be mended; each tells what it finds as it finds it."""
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        check_servers.configuration,
        check_servers.database,
        check_servers.broker,
        partial(check_processes.workers, workers_s),
        check_processes.beat,
        check_processes.last_canary,
        check_providers.credentials,
        check_providers.sending_domains,
    )
    for check in checks:
        try:
            yield from check()
        except Exception as error:  # noqa: BLE001  # what is broken here must not hide what is broken elsewhere
            name = getattr(check, "__name__", "workers")
            _log.exception("check.failed", check=name)
            yield fail(name, f"could not be checked ({type(error).__name__}: {error})", "see the log")
