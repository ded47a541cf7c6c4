"""A real RabbitMQ for tests: Debian's ``rabbitmq-server``, as our own user, on free loopback ports."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from notify.local import process

# Debian's own wrapper insists on a user and on directories of its choice.
PROGRAM = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
_START_TIMEOUT_S = 90


@dataclass(slots=True)
class RabbitMq:
    """One node. ``kill`` it, ``start`` it again over its data, or ``forget`` these first."""

    directory: Path
    port: int = field(default_factory=process.free_port)
    _distribution: int = field(default_factory=process.free_port)
    _epmd: int = field(default_factory=process.free_port)
    _popen: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"amqp://guest:guest@127.0.0.1:{self.port}//"

    def start(self) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with (self.directory / "rabbitmq.log").open("ab") as log:
            self._popen = subprocess.Popen(
                [PROGRAM], env=self.environment(), stdout=log, stderr=log, start_new_session=True
            )
        assert process.wait_until(self.answers, _START_TIMEOUT_S, every_s=0.1), self._said()

    def environment(self) -> dict[str, str]:
        own = self.directory
        return {
            **os.environ,
            "HOME": str(own),
            "ERL_EPMD_PORT": str(self._epmd),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": f"notify{self.port}@localhost",
            "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODE_PORT": str(self.port),
            "RABBITMQ_DIST_PORT": str(self._distribution),
            "RABBITMQ_MNESIA_BASE": str(own / "data"),
            "RABBITMQ_LOGS": "-",
            "RABBITMQ_CONF_ENV_FILE": str(own / "none"),
            "RABBITMQ_CONFIG_FILE": str(own / "none"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(own / "none"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1} +S 1:1",
        }

    def answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=1) as probe:
            probe.sendall(b"AMQP\x00\x00\x09\x01")
            probe.settimeout(5)
            return bool(probe.recv(1))
        return False

    def _said(self) -> str:
        return (self.directory / "rabbitmq.log").read_text(errors="replace")[-3000:]

    def kill(self) -> None:
        """kill -9, the virtual machine included."""
        if self._popen:
            with suppress(ProcessLookupError):
                os.killpg(self._popen.pid, signal.SIGKILL)
            self._popen.wait()
            assert process.wait_until(lambda: not self.answers(), 10)

    def end_epmd(self) -> None:
        """Erlang's register of nodes outlives them; it ends once it has noticed that ours is gone."""
        process.wait_until(lambda: b"Killed" in self._ask_epmd("-kill"), 10, every_s=0.1)

    def _ask_epmd(self, what: str) -> bytes:
        asked = subprocess.run(["epmd", what], env=self.environment(), capture_output=True, check=False)
        return asked.stdout + asked.stderr

    def forget(self) -> None:
        """Lose all data; call it while it does not run."""
        shutil.rmtree(self.directory / "data")


@contextmanager
def running_rabbitmq(directory: Path) -> Iterator[RabbitMq]:
    """A RabbitMQ while the block runs."""
    node = RabbitMq(directory)
    try:
        node.start()
        yield node
    finally:
        node.kill()
        node.end_epmd()
