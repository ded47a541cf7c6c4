"""Faults of the broker and the database, and of the network in front of them."""

import random
import time
from contextlib import suppress

import psycopg

from benchmarks.faults.ours import Length, frozen
from benchmarks.faults.world import World
from notify.local import postgres

# --- the broker


def broker_restarts(world: World, _: random.Random, __: Length) -> None:
    broker = world.instance.broker_server
    with world.journal.span("broker killed"):
        world.kill(broker.name, by="broker killed")
        world.instance.await_server(broker.name)


def broker_forgets(world: World, _: random.Random, __: Length) -> None:
    """Killed, and started again without its data."""
    broker = world.instance.broker_server
    process = world.instance.processes[broker.name]
    with world.journal.span("broker killed, data gone"):
        with process.lock:
            world.kill(broker.name, by="broker killed, data gone")
            assert process.popen is not None
            process.popen.wait()
            broker.forget()
        world.instance.await_server(broker.name)


def broker_frozen(world: World, _: random.Random, length: Length) -> None:
    with frozen(world, world.instance.broker_server.name):
        time.sleep(length.freeze)


def broker_full(world: World, _: random.Random, length: Length) -> None:
    broker = world.instance.broker_server
    with world.journal.span("broker full"):
        broker.fill(full=True)
        try:
            time.sleep(length.spell)
        finally:
            broker.fill(full=False)


def broker_resets(world: World, _: random.Random, __: Length) -> None:
    assert world.instance.broker
    for _i in range(5):
        world.instance.broker.reset()
        time.sleep(0.2)


def broker_silent(world: World, _: random.Random, length: Length) -> None:
    """The network in front of the broker passes nothing on, and then breaks."""
    assert world.instance.broker
    with world.journal.span("broker silent"):
        world.instance.broker.hold()
        time.sleep(length.spell)
        world.instance.broker.reset()
        world.instance.broker.release()


# --- the database


def database_restarts(world: World, _: random.Random, __: Length) -> None:
    """kill -9 of all its processes at once."""
    with world.journal.span("postgres killed"):
        world.kill("postgres", by="database killed")
        world.instance.await_server("postgres")


def database_frozen(world: World, _: random.Random, length: Length) -> None:
    with frozen(world, "postgres"):
        time.sleep(length.database_freeze)


def database_resets(world: World, _: random.Random, __: Length) -> None:
    assert world.instance.database
    with world.journal.span("postgres connections reset"):
        for _i in range(3):
            world.instance.database.reset()
            time.sleep(0.3)


def database_full_up(world: World, _: random.Random, length: Length) -> None:
    """All its connections are taken, and those that were there broken."""
    taken: list[psycopg.Connection[tuple[object, ...]]] = []
    assert world.instance.database
    with world.journal.span("postgres out of connections"):
        world.instance.database.reset()
        end = time.monotonic() + length.spell
        try:
            while time.monotonic() < end:
                with suppress(psycopg.OperationalError):
                    taken.append(psycopg.connect(postgres.url(world.instance.directory), connect_timeout=2))
                    continue
                time.sleep(0.05)
        finally:
            for connection in taken:
                connection.close()
