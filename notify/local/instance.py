"""An instance: its data directory, addresses, secrets and first API keys, kept in DATA_DIR/instance.json."""

import base64
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from notify.local import postgres, process, valkey

DEFAULT_DIR = Path(".notify")
_FILE = "instance.json"
_HOST = "127.0.0.1"


class InstanceError(Exception):
    """The instance cannot be used; the text says why and what to do."""


def _encryption_key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


class Instance(BaseModel):
    """What outlives a restart, and where the last run could be reached."""

    model_config = ConfigDict(frozen=True)

    encryption_key: str = Field(default_factory=_encryption_key)
    flower_password: str = Field(default_factory=lambda: secrets.token_urlsafe(18))
    metrics_token: str = Field(default_factory=lambda: secrets.token_urlsafe(18))
    api_keys: dict[str, str] = {}
    api_port: int = 0
    flower_port: int = 0
    database_url: str = ""
    broker_url: str = ""
    servers: tuple[str, ...] = ()

    @property
    def base_url(self) -> str:
        return f"http://{_HOST}:{self.api_port}"

    @property
    def flower_url(self) -> str:
        return f"http://{quote(self.flower_auth, safe=':')}@{_HOST}:{self.flower_port}"

    @property
    def flower_auth(self) -> str:
        return f"notify:{self.flower_password}"

    def describe(self, pids: Mapping[str, int]) -> dict[str, object]:
        """The ready file: everything a script needs to use the instance."""
        names = ("base_url", "api_keys", "database_url", "broker_url", "flower_url")
        return {**{name: getattr(self, name) for name in names}, "pids": pids}

    def environment(self, data_dir: Path, concurrency: int) -> dict[str, str]:
        """What the processes of the Procfile read."""
        return {
            "NOTIFY_DATABASE_URL": self.database_url,
            "NOTIFY_BROKER_URL": self.broker_url,
            "NOTIFY_ENCRYPTION_KEY": self.encryption_key,
            "NOTIFY_API_HOST": _HOST,
            "NOTIFY_API_PORT": str(self.api_port),
            "NOTIFY_FLOWER_HOST": _HOST,
            "NOTIFY_FLOWER_PORT": str(self.flower_port),
            "NOTIFY_FLOWER_BASIC_AUTH": self.flower_auth,
            "NOTIFY_METRICS_TOKEN": from_environment("METRICS_TOKEN") or self.metrics_token,
            "NOTIFY_METRICS_DIR": str(data_dir / "run" / "metrics"),
            "NOTIFY_WORKER_CONCURRENCY": str(concurrency),
            "NOTIFY_BEAT_SCHEDULE": str(data_dir / "run" / "beat-schedule"),
        }


def prepare_dir(data_dir: Path) -> Path:
    """Make the directory and its parts; returns its absolute path.

    A directory that exists keeps its mode, since it may hold other things; ours are closed one by one.
    """
    # PostgreSQL, when root runs it, is another user who must pass through.
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
    for part in ("logs", "run"):
        process.ensure_private(data_dir / part)
    return data_dir.resolve()


def load(data_dir: Path) -> Instance | None:
    """The instance kept in ``data_dir``, if there is one.

    Raises:
        InstanceError: the file is not readable.
    """
    path = data_dir / _FILE
    try:
        return Instance.model_validate_json(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValidationError) as error:
        raise InstanceError(f"{path} cannot be read: {error}") from None


def save(data_dir: Path, instance: Instance) -> None:
    """Keep the instance, secrets included, readable by its owner only."""
    process.write_private(data_dir / _FILE, instance.model_dump_json(indent=2) + "\n")


def prepare(data_dir: Path, port: int, flower_port: int) -> Instance:
    """The instance as it is about to run: kept secrets; servers of the environment, else embedded ones."""
    kept = load(data_dir) or Instance()
    given = {"postgres": from_environment("DATABASE_URL"), "valkey": from_environment("BROKER_URL")}
    ready = kept.model_copy(
        update={
            "encryption_key": from_environment("ENCRYPTION_KEY") or kept.encryption_key,
            "api_port": port,
            "flower_port": flower_port,
            "database_url": given["postgres"] or postgres.url(data_dir),
            "broker_url": given["valkey"] or _embedded_broker(data_dir),
            "servers": tuple(name for name, url in given.items() if not url),
        }
    )
    save(data_dir, ready)
    return ready


def adopt(data_dir: Path) -> None:
    """Use the database and the key of the instance in ``data_dir``, unless the environment names others."""
    kept = load(data_dir)
    if kept and not from_environment("DATABASE_URL"):
        os.environ.update(kept.environment(data_dir, concurrency=1))


def from_environment(name: str) -> str | None:
    """``NOTIFY_<name>`` or ``<name>``: what the platform or the user has set."""
    return os.environ.get(f"NOTIFY_{name}") or os.environ.get(name) or None


def _embedded_broker(data_dir: Path) -> str:
    valkey.move_if_taken(data_dir)
    return valkey.url(data_dir)
