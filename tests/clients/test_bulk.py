"""What a bulk job says besides its content: data by locale, a brand."""

from typing import Any

import pytest
from courier import BadRequestError, Courier

from tests.integration.harness import Api, Pipeline

EMAIL = "ada@example.com"
CONTENT: Any = {"title": "{{greeting}} {{name}}", "body": "."}


def _job(client: Courier, **fields: Any) -> str:
    return client.bulk.create_job(message={"event": "hi", "content": CONTENT, **fields}).job_id  # type: ignore[typeddict-item]


def _subjects(client: Courier, pipeline: Pipeline, job: str) -> list[str]:
    client.bulk.run_job(job)
    pipeline.drain()
    items = client.bulk.list_users(job).items
    found = [client.messages.content(one.message_id or "").results[0].content for one in items]
    return [str(one.subject) for one in found]


def test_data_is_that_of_the_users_locale(client: Courier, pipeline: Pipeline) -> None:
    for user, locale in (("stored", "de"), ("other", "de-AT")):
        client.profiles.create(user, profile={"email": EMAIL, "locale": locale})
    by_locale = {"de": {"greeting": "Hallo"}, "fr": {"greeting": "Salut"}}
    job = _job(client, data={"greeting": "Hello", "name": "you"}, locale=by_locale)
    users: Any = [
        {"recipient": "stored"},
        {"to": {"user_id": "asked", "email": EMAIL, "locale": "fr"}},
        {"profile": {"email": EMAIL, "locale": "de"}, "data": {"name": "Eve"}},
        {"recipient": "other"},
        {"profile": {"email": "own@example.com", "locale": "de"}, "data": {"greeting": "Servus"}},
    ]
    client.bulk.add_users(job, users=users)
    said = ["Hallo you", "Salut you", "Hallo Eve", "Hello you", "Servus you"]
    assert _subjects(client, pipeline, job) == said


def test_a_brand_that_is_not_there_is_refused(client: Courier, sandbox: Api) -> None:
    with pytest.raises(BadRequestError, match=r"message\.brand: brand 'nobody' does not exist"):
        _job(client, brand="nobody")
    client.brands.create(id="first", name="First", settings={})
    client.brands.create(id="gone", name="Gone", settings={})
    job = _job(client, brand="gone")
    client.bulk.add_users(job, users=[{"profile": {"email": EMAIL}}])
    client.brands.delete("gone")
    with pytest.raises(BadRequestError, match=r"message\.brand"):
        client.bulk.run_job(job)
    assert client.bulk.retrieve_job(job).job.status == "CREATED"
    assert sandbox.messages() == []


def test_what_is_no_data_by_locale_is_refused(sandbox: Api) -> None:
    body = {"message": {"event": "hi", "locale": {"de": "Hallo"}}}
    answer = sandbox.post("/bulk", body)
    assert (answer.status_code, "locale.de" in answer.json()["message"]) == (400, True)
