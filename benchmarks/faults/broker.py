"""The broker of an instance: the embedded Valkey, or Debian's RabbitMQ."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit

import redis

from benchmarks.faults.processes import Process
from notify.local import embedded, valkey
from tests.rabbitmq import PROGRAM, RabbitMq


class Broker(Protocol):
    """``url``: the server itself, past the proxy."""

    name: str

    @property
    def url(self) -> str: ...

    def process(self, log: Path) -> Process:
        """The process to be run."""

    def ready(self) -> bool:
        """Whether it takes connections."""

    def forget(self) -> None:
        """Lose all data; while it does not run."""

    def fill(self, *, full: bool) -> None:
        """Have it refuse what is published, or take it again."""


def port_of(broker: Broker) -> int:
    return urlsplit(broker.url).port or 0


def behind(broker: Broker, port: int) -> str:
    """Its URL with the port of a proxy."""
    return broker.url.replace(f":{port_of(broker)}/", f":{port}/")


class Valkey:
    name = "valkey"

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @property
    def url(self) -> str:
        return valkey.url(self._directory)

    def process(self, log: Path) -> Process:
        return Process(self.name, embedded.command("valkey", self._directory), {}, log)

    def ready(self) -> bool:
        return valkey.ready(self._directory)

    def forget(self) -> None:
        shutil.rmtree(valkey.directory(self._directory) / "appendonlydir", ignore_errors=True)

    def fill(self, *, full: bool) -> None:
        with redis.Redis.from_url(self.url) as server:
            server.config_set("maxmemory", "1mb" if full else "0")


class Rabbit:
    name = "rabbitmq"

    def __init__(self, directory: Path) -> None:
        self._node = RabbitMq(directory / "rabbitmq")

    @property
    def url(self) -> str:
        return self._node.url

    def process(self, log: Path) -> Process:
        self._node.directory.mkdir(parents=True, exist_ok=True)
        # Its own environment names everything it reads and writes.
        return Process(self.name, [str(PROGRAM)], self._node.environment(), log)

    def ready(self) -> bool:
        return self._node.answers()

    def forget(self) -> None:
        self._node.forget()

    def fill(self, *, full: bool) -> None:
        mark = "0.0001" if full else "0.6"
        command = [PROGRAM.with_name("rabbitmqctl"), "set_vm_memory_high_watermark", mark]
        given = {**os.environ, **self._node.environment()}
        subprocess.run(command, env=given, stdout=subprocess.DEVNULL, check=True, timeout=30)


BROKERS = {"valkey": Valkey, "rabbitmq": Rabbit}
