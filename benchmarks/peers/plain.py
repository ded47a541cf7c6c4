"""A notification service in the plain way, kept honest: it stores, renders, sends, records, and nothing more.

``uvicorn benchmarks.peers.plain:api`` and ``celery -A benchmarks.peers.plain worker``. No batches, no leases,
no idempotency, no preferences, no failover: a killed worker or an emptied broker loses messages here.
"""

import os
import uuid
from datetime import UTC, datetime
from typing import Any

import jinja2
import requests
from celery import Celery
from fastapi import FastAPI, Header, HTTPException
from sqlalchemy import JSON, ForeignKey, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, sessionmaker

engine = create_engine(os.environ["DATABASE_URL"], pool_size=10)
session = sessionmaker(engine)
app = Celery("plain", broker=os.environ["BROKER_URL"])
app.conf.update(task_ignore_result=True, task_default_queue="plain", worker_send_task_events=True)
api = FastAPI()
http = requests.Session()


class Base(DeclarativeBase):
    """Tables are made by ``Base.metadata.create_all``."""

    type_annotation_map = {dict[str, Any]: JSON}


class Profile(Base):
    """Where a user can be reached."""

    __tablename__ = "profile"
    user_id: Mapped[str] = mapped_column(primary_key=True)
    phone_number: Mapped[str]


class Template(Base):
    """A text with places for data."""

    __tablename__ = "template"
    id: Mapped[str] = mapped_column(primary_key=True)
    text: Mapped[str]


class Message(Base):
    """One message and where it is."""

    __tablename__ = "message"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    user_id: Mapped[str]
    template: Mapped[str]
    data: Mapped[dict[str, Any]]
    text: Mapped[str | None]
    status: Mapped[str] = mapped_column(index=True)


class Event(Base):
    """One line of a message's log."""

    __tablename__ = "event"
    id: Mapped[int] = mapped_column(primary_key=True)
    message_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("message.id"), index=True)
    type: Mapped[str]
    at: Mapped[datetime]


def _step(db: Session, message: Message, status: str) -> None:
    message.status = status
    db.add(Event(message_id=message.id, type=status, at=datetime.now(UTC)))
    db.commit()


@api.post("/send", status_code=202)
def send(body: dict[str, Any], authorization: str = Header()) -> dict[str, str]:
    """Store a message and publish its first step."""
    if authorization != f"Bearer {os.environ['API_KEY']}":
        raise HTTPException(401)
    asked = body["message"]
    with session() as db:
        message = Message(
            id=uuid.uuid4(),
            user_id=asked["to"]["user_id"],
            template=asked["template"],
            data=asked["data"],
            status="ENQUEUED",
        )
        db.add(message)
        db.flush()
        _step(db, message, "ENQUEUED")
        id_ = str(message.id)
    render.delay(id_)
    return {"requestId": id_}


@app.task(name="plain.render", acks_late=True)
def render(id_: str) -> None:
    """Fill in the template."""
    with session() as db:
        message = db.get_one(Message, uuid.UUID(id_))
        template = db.get_one(Template, message.template)
        message.text = jinja2.Template(template.text).render(message.data)
        _step(db, message, "RENDERED")
    deliver.delay(id_)


@app.task(
    name="plain.deliver", acks_late=True, autoretry_for=(requests.RequestException,), retry_backoff=True
)
def deliver(id_: str) -> None:
    """Call the provider."""
    with session() as db:
        message = db.get_one(Message, uuid.UUID(id_))
        profile = db.get_one(Profile, message.user_id)
        form = {"To": profile.phone_number, "From": "+15550001111", "Body": message.text}
        http.post(os.environ["PROVIDER_URL"], data=form, timeout=10).raise_for_status()
        _step(db, message, "SENT")
