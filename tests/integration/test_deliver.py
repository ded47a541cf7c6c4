from tests import factories
from tests.integration.harness import Api, Pipeline
from tests.servers import ProviderLab


def test_one(api: Api, pipeline: Pipeline, lab: ProviderLab) -> None:
    api.configure("sendgrid", factories.sendgrid(lab))
    id_ = api.send()
    pipeline.drain()
    assert api.message(id_)["status"] == "SENT", api.message(id_)
    print(api.history(id_))


def test_two(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send()
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"

def test_three(sandbox: Api, pipeline: Pipeline) -> None:
    id_ = sandbox.send()
    pipeline.drain()
    assert sandbox.message(id_)["status"] == "SENT"
