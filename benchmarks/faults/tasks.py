"""Tasks published once more: of what is done, and of what is under way, in any order."""

import random
from collections.abc import Iterator
from enum import Enum, auto

from benchmarks.faults.world import World
from notify import queue
from notify.settings import ProducerSettings

_IDS = 300
_OF_MESSAGES = "SELECT id FROM message ORDER BY id DESC LIMIT %s"
_OF_DELIVERIES = "SELECT id, channel FROM delivery ORDER BY message_id DESC LIMIT %s"


class Replay(Enum):
    """Which tasks."""

    STAGES = auto()
    MAINTENANCE = auto()


def republish(world: World, chance: random.Random, replay: Replay) -> None:
    """Publish them to the broker itself, in no order."""
    app = queue.client(ProducerSettings(BROKER_URL=world.instance.broker_server.url))
    tasks = list(_stages(world, chance) if replay is Replay.STAGES else _maintenance())
    chance.shuffle(tasks)
    with world.journal.span("tasks again"), app.connection_for_write() as connection:
        for name, lane, arguments in tasks:
            app.send_task(
                name,
                args=arguments,
                queue=lane,
                countdown=chance.choice([None, None, 1, 5]),
                connection=connection,
                ignore_result=True,
            )


_Task = tuple[str, str, list[object]]


def _maintenance() -> Iterator[_Task]:
    for name in ("reconcile", "dispatch"):
        for _ in range(20):
            yield name, "maintenance", []


def _stages(world: World, chance: random.Random) -> Iterator[_Task]:
    with world.instance.connect() as connection:
        messages = [str(id_).replace("-", "") for (id_,) in connection.execute(_OF_MESSAGES, [_IDS])]
        deliveries = connection.execute(_OF_DELIVERIES, [_IDS]).fetchall()
    for stage in ("render", "route"):
        yield from (_task(stage, ids) for ids in _groups(messages, chance))
    for channel in ("webhook", "sms"):
        ids = [str(id_).replace("-", "") for id_, of in deliveries if of == channel]
        yield from (_task(f"deliver.{channel}", group) for group in _groups(ids, chance))


def _groups(ids: list[str], chance: random.Random) -> Iterator[list[str]]:
    """Each id twice, in groups of any size."""
    twice = [*ids, *ids]
    chance.shuffle(twice)
    while twice:
        size = chance.randint(1, 40)
        yield twice[:size]
        del twice[:size]


def _task(name: str, ids: list[str]) -> _Task:
    return name, name, [ids, "single"]
