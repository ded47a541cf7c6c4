"""``/metrics``: who may read it, and what it says. In: a request's headers. Out: text for Prometheus."""

import atexit
import base64
import binascii
import hmac
import os
from functools import lru_cache
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder

from notify import metrics, settings
from notify.manage.gauges import Gauges


def is_allowed(authorization: str) -> bool:
    """Whether this ``Authorization`` header has the settings' token: as Bearer, or as Basic password."""
    token = settings.load().metrics_token
    if token is None:
        return False
    given = _token(authorization)
    return hmac.compare_digest(given.encode(), token.get_secret_value().encode())


def _token(authorization: str) -> str:
    scheme, _, value = authorization.partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() == "basic":
        try:
            return base64.b64decode(value, validate=True).decode().partition(":")[2]
        except (binascii.Error, ValueError):
            return ""
    return ""


def of_processes(accept: str = "") -> tuple[bytes, str]:
    """What has been counted, and its content type: by this process, or by all that share its directory."""
    return _encoded(metrics.counted(), accept)


def of_everything(accept: str = "") -> tuple[bytes, str]:
    """The same, and the state of the queues and of what all machines share."""
    registry = CollectorRegistry()
    registry.register(metrics.counted())
    registry.register(Gauges())
    return _encoded(registry, accept)


def _encoded(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    encode, content_type = choose_encoder(accept)
    return encode(registry), content_type


def share(*, alone: bool) -> None:
    """Have the processes of a service, or of all services of this machine, count together.

    Args:
        alone: without a directory in the settings the service has one of its own.
    """
    if directory := settings.load().metrics_dir:
        metrics.share(directory)
    elif not alone:
        metrics.share(_own())


@lru_cache(maxsize=1)
def _own() -> Path:
    made = Path(mkdtemp(prefix="notify-metrics-"))
    atexit.register(_remove, made, os.getpid())
    return made


def _remove(directory: Path, maker: int) -> None:
    if os.getpid() == maker:  # not a forked child
        rmtree(directory, ignore_errors=True)
