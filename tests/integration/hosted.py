"""What tests of the hosted pages have in common: topics, links, and what a user wants by now."""

from typing import Any

from notify.model.names import World
from notify.pipeline import preference_links
from notify.pipeline.preference_links import Link, Person
from tests.integration.harness import Api


def section(api: Api, name: str = "Orders", **fields: Any) -> str:
    body = {"name": name, "has_custom_routing": True, "routing_options": ["email", "sms"], **fields}
    return str(api.post("/preferences/sections", body).json()["id"])


def topic(api: Api, section_id: str, name: str, default: str = "OPTED_IN", **fields: Any) -> str:
    body = {"name": name, "default_status": default, **fields}
    return str(api.post(f"/preferences/sections/{section_id}/topics", body).json()["id"])


def url(link: Link, topic_id: str | None = None, user: str = "ada", tenant: str | None = None) -> str:
    return preference_links.url(link, Person(World.TEST, user, tenant, topic_id))


def wanted(api: Api, topic_id: str, user: str = "ada") -> dict[str, Any]:
    found: dict[str, Any] = api.get(f"/users/{user}/preferences/{topic_id}").json()["topic"]
    return found
