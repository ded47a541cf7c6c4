"""Mail addresses: checked, normalised, safe to stand in a header."""

from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parseaddr
from functools import lru_cache
from typing import Annotated, Any

import email_validator
from email_validator import EmailNotValidError, validate_email
from pydantic import AfterValidator

from notify.errors import ContentError

# Self-hosted mail lives on such names too; whether they resolve is the mail server's business.
email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()


def _address(value: str) -> str:
    checked = validate_email(value.strip(), check_deliverability=False, globally_deliverable=False)
    return checked.ascii_email or checked.normalized


def check_address(value: object, name: str) -> str:
    """A bare address, its domain in ASCII where its local part allows.

    Raises:
        ContentError: it is not one.
    """
    try:
        return _address(str(value))
    except EmailNotValidError as error:
        raise ContentError(f"{name} is not a mail address: {error}") from None


def check_text(value: object, name: str) -> str:
    """A text for a header: a subject, a display name.

    Raises:
        ContentError: it is no text, or holds a line break or control character.
    """
    if not isinstance(value, str):
        raise ContentError(f"{name} must be a text")
    if any(ord(char) < 32 or ord(char) == 127 for char in value):
        raise ContentError(f"{name} holds a line break or control character")
    return value


def _setting_text(value: str) -> str:
    try:
        return check_text(value, "it")
    except ContentError as error:
        raise ValueError(str(error)) from None


Address = Annotated[str, AfterValidator(lru_cache(maxsize=256)(_address))]
"""A settings field that holds a mail address."""

HeaderText = Annotated[str, AfterValidator(_setting_text)]
"""A settings field that ends up in a header."""


@dataclass(frozen=True, slots=True)
class Mailbox:
    """An address and the name shown with it."""

    address: str
    name: str = ""


def mailbox(value: Any, name: str) -> Mailbox:
    """``"ada@example.com"``, ``"Ada <ada@example.com>"`` or ``{"email", "name"}`` as a mailbox.

    Raises:
        ContentError: none of these, or not an address.
    """
    if isinstance(value, Mapping):
        shown, address = value.get("name") or "", value.get("email")
    else:
        shown, address = parseaddr(check_text(value, name))
    return Mailbox(check_address(address, name), check_text(shown, name))


def mailboxes(value: Any, name: str) -> tuple[Mailbox, ...]:
    """A list of mailboxes, or texts joined by commas; nothing is an empty list."""
    if not value:
        return ()
    items = value.split(",") if isinstance(value, str) else value if isinstance(value, list) else [value]
    return tuple(mailbox(item, name) for item in items)
