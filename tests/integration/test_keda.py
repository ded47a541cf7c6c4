"""What KEDA asks PostgreSQL: the age of the oldest work that is ready for a kind of worker."""

from typing import Any

import pytest
import yaml

from notify.local.procfile import ROOT
from notify.model.work import Stage
from tests.integration.harness import Api, Database, Pipeline

FILE = ROOT / "deploy" / "kubernetes" / "keda" / "scaled-objects.yaml"
QUERIES: dict[str, str] = {
    each["metadata"]["name"]: each["spec"]["triggers"][0]["metadata"]["query"]
    for each in yaml.safe_load_all(FILE.read_text())
}


def ages(database: Database) -> dict[str, Any]:
    return {name: round(float(database.one(query))) for name, query in QUERIES.items()}


def test_it_is_the_age_of_what_waits_for_that_worker(
    api: Api, pipeline: Pipeline, database: Database
) -> None:
    assert set(ages(database).values()) == {0}
    api.send()
    database("UPDATE work SET due_at = now() - interval '60 s'")
    assert {name: age for name, age in ages(database).items() if age} == {"worker-pipeline": 60}
    for lane, worker in (("single", "worker-email"), ("bulk", "worker-deliver-bulk")):
        database("UPDATE work SET stage = 'deliver', channel = 'email', lane = %s", lane)
        assert {name: age for name, age in ages(database).items() if age} == {worker: 60}
    # What is worked on, or due later, waits for nobody.
    database("UPDATE work SET lease_until = now() + interval '10 s'")
    assert set(ages(database).values()) == {0}
    database("UPDATE work SET lease_until = '-infinity', due_at = now() + interval '10 s'")
    assert set(ages(database).values()) == {0}


@pytest.mark.parametrize("stage", [stage for stage in Stage if stage is not Stage.DELIVER])
def test_every_stage_is_looked_at(stage: Stage) -> None:
    assert any(f"'{stage}'" in query for query in QUERIES.values())
