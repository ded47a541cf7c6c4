"""Translations, as the official client has them, and the messages that use them."""

from typing import Any

import pytest
from courier import BadRequestError, Courier, NotFoundError

from tests import factories
from tests.integration.harness import Api, Pipeline

EMAIL: Any = {"method": "single", "channels": ["email"]}
GERMAN = """
msgid ""
msgstr "Language: de\\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\\n"

msgid "Hello %s"
msgstr "Hallo **%s**"

msgid "%(count)s file"
msgid_plural "%(count)s files"
msgstr[0] "%(count)s Datei"
msgstr[1] "%(count)s Dateien"

#, fuzzy
msgid "Bye"
msgstr "Unsinn"

msgid "In "
"two"
msgstr ""
"Zwei "
"Teile"
"""
SOURCE = '{{ "Hello %s" | t(name) }}, {{ "%(count)s file" | t(count=n) }}. {{ "Bye" | t }} {{ "In two" | t }}'


def _said(client: Courier, pipeline: Pipeline, locale: str | None, source: str = SOURCE, **data: Any) -> Any:
    to: Any = {"email": factories.ADA, **({"locale": locale} if locale else {})}
    content: Any = {"title": "Hi", "body": source}
    message: Any = {"to": to, "content": content, "data": {"name": "<Ada>", "n": 1, **data}, "routing": EMAIL}
    id_ = client.send.message(message=message).request_id
    pipeline.drain()
    return client.messages.retrieve(id_), client.messages.content(id_).results


def test_a_file_is_uploaded_and_read(client: Courier, sandbox: Api) -> None:
    client.translations.update("de", domain="default", body=GERMAN)
    assert client.translations.retrieve("de", domain="default") == GERMAN
    raw = sandbox.call(
        "PUT",
        "/translations/default/fr",
        data=b'msgid "a"\nmsgstr "b"\n',
        headers={"content-type": "text/plain"},
    )
    assert (raw.status_code, raw.content) == (204, b"")
    assert sandbox.get("/translations/default/fr").text == 'msgid "a"\nmsgstr "b"\n'


@pytest.mark.parametrize(
    "body",
    [
        "nonsense",
        'msgid "a"\n',
        'msgid "a"\nmsgid "b"\nmsgstr "c"\n',
        'msgid "a\nmsgstr "b"\n',
        'msgid "a"\nmsgid_plural "b"\nmsgstr[9] "c"\n',
        'msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=__import__(1);\\n"\n',
        '"a"\n',
        "\0",
        'msgid "a"\nmsgstr "' + "b" * 1_100_000 + '"\n',
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_file_is_refused(client: Courier, body: str) -> None:
    with pytest.raises(BadRequestError):
        client.translations.update("de", domain="default", body=body)
    with pytest.raises(NotFoundError):
        client.translations.retrieve("de", domain="default")


def test_there_is_one_domain(client: Courier) -> None:
    with pytest.raises(BadRequestError, match="domain"):
        client.translations.update("de", domain="other", body=GERMAN)
    with pytest.raises(BadRequestError, match="domain"):
        client.translations.retrieve("de", domain="other")


def test_messages_speak_the_recipients_language(client: Courier, pipeline: Pipeline) -> None:
    client.translations.update("de", domain="default", body=GERMAN)
    for locale in ("de", "de-AT", "de_AT"):
        found, (said,) = _said(client, pipeline, locale)
        assert found.status == "SENT", found.error
        assert said.content.text == "Hallo <Ada>, 1 Datei. Bye Zwei Teile"
        assert "<strong>&lt;Ada&gt;</strong>" in said.content.html
    assert "2 Dateien" in _said(client, pipeline, "de", n=2)[1][0].content.text


def test_a_stored_profile_says_the_language(client: Courier, pipeline: Pipeline) -> None:
    client.translations.update("de", domain="default", body=GERMAN)
    client.profiles.replace("ada", profile={"email": factories.ADA, "locale": "de"})
    content: Any = {"title": "Hi", "body": '{{ "Hello %s" | t("x") }}'}
    id_ = client.send.message(
        message={"to": {"user_id": "ada"}, "content": content, "routing": EMAIL}
    ).request_id
    pipeline.drain()
    assert client.messages.content(id_).results[0].content.text == "Hallo x"


@pytest.mark.parametrize("locale", ["fr", None])
def test_without_a_file_the_channel_fails(client: Courier, pipeline: Pipeline, locale: str | None) -> None:
    client.translations.update("de", domain="default", body=GERMAN)
    found, _ = _said(client, pipeline, locale)
    assert (found.status, "translations" in (found.error or "")) == ("UNDELIVERABLE", True)


def test_a_new_file_is_used_at_once(client: Courier, pipeline: Pipeline) -> None:
    source = '{{ "Hello %s" | t("x") }}'
    client.translations.update("de", domain="default", body=GERMAN)
    assert _said(client, pipeline, "de", source)[1][0].content.text == "Hallo x"
    client.translations.update("de", domain="default", body=GERMAN.replace("Hallo", "Servus"))
    assert _said(client, pipeline, "de", source)[1][0].content.text == "Servus x"
