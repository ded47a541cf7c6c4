"""The official Python client, strict, against the API on a socket; the pipeline runs in this process."""

import pytest
from courier import Courier

from tests.integration.conftest import (  # noqa: F401  # the same fixtures
    _labs,
    api,
    base_url,
    configured,
    database,
    lab,
    mail,
    pipeline,
    sandbox,
    time,
)
from tests.integration.harness import Api


def client_of(at: Api, key: str | None = None) -> Courier:
    """A client that refuses answers whose shape is not the reference's."""
    return Courier(
        api_key=key or at.key, base_url=at.base_url, max_retries=1, _strict_response_validation=True
    )


@pytest.fixture
def client(sandbox: Api) -> Courier:  # noqa: F811
    """The client in the test world, where the sandbox takes every channel."""
    return client_of(sandbox)
