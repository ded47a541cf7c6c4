"""Translations: upload a ``.po`` file, and read it again."""

from hashlib import sha256

from notify.content import po as po_files
from notify.errors import InvalidRequest, NotFound
from notify.model.names import World
from notify.store import audit, db, translations


def put(world: World, domain: str, locale: str, po: str) -> None:
    """Store the translations of a locale in the place of those before.

    Raises:
        InvalidRequest: the domain is not ``default``, or it is no ``.po`` file.
    """
    _check_domain(domain)
    if not 0 < len(locale) <= 50:
        raise InvalidRequest("locale: must have 1 to 50 characters")
    if len(po.encode()) > po_files.MAX_BYTES:
        raise InvalidRequest(f"A .po file may have at most {po_files.MAX_BYTES} bytes")
    catalog = po_files.parse(po)
    digest = sha256(po.encode()).hexdigest()
    with db.begin() as tx:
        if not translations.put(tx, world, locale, po=po, catalog=catalog, digest=digest):
            raise InvalidRequest(f"There may be translations for at most {translations.MAX_LOCALES} locales")
        after = {"entries": len(catalog["messages"])}
        target = ("translation", f"{domain}/{locale}")
        audit.record(tx, "translation.replaced", target, world=world, after=after)


def get(world: World, domain: str, locale: str) -> str:
    """The file as it was uploaded.

    Raises:
        NotFound: there is none for this locale.
        InvalidRequest: the domain is not ``default``.
    """
    _check_domain(domain)
    with db.begin() as tx:
        found = translations.get(tx, world, locale)
    if found is None:
        raise NotFound(f"There are no translations for {locale!r}.")
    return found


def _check_domain(domain: str) -> None:
    if domain != translations.DOMAIN:
        raise InvalidRequest(f"domain: there is only {translations.DOMAIN!r}")
