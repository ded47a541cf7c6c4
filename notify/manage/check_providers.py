"""Checks of what is configured: credentials of providers, and DNS of the domains mail is sent from."""

from collections.abc import Iterator, Sequence

from notify import settings
from notify.errors import Unavailable
from notify.manage.findings import Finding, fail, ok, warn
from notify.model.names import World
from notify.pipeline.probing import Probed, probe
from notify.store import db, providers
from notify.store.providers import Configured
from notify.transport.dns import Dns

_LIMIT = 1000


def _configured() -> list[Configured]:
    with db.begin() as tx:
        return [entry for world in World for entry in providers.find(tx, world, after=None, limit=_LIMIT)]


def credentials() -> Iterator[Finding]:
    """Whether each provider knows us, where it can be asked without sending anything."""
    try:
        found = _configured()
    except Unavailable:
        return
    if not any(entry.world is World.PRODUCTION for entry in found):
        text = "none is configured in production: its messages end UNROUTABLE"
        yield warn("providers", text, "POST /providers with a production key")
    for probed in probe(found):
        yield _credentials(probed)


def _credentials(probed: Probed) -> Finding:
    entry = probed.configured
    subject = f"provider {entry.alias or entry.provider} ({entry.world})"
    if probed.problem:
        return fail(subject, probed.problem, f"PUT /providers/{entry.id} with settings that work")
    if not probed.asked:
        return ok(subject, "cannot be asked without sending; its settings are well-formed")
    return ok(subject, "knows us")


def sending_domains() -> Iterator[Finding]:
    """SPF, DKIM, DMARC and MX of the domains that production sends mail from."""
    try:
        found = _configured()
    except Unavailable:
        return
    config = settings.load()
    for domain in sorted({_domain_of(entry) for entry in found if entry.world is World.PRODUCTION} - {""}):
        try:
            yield from _domain(domain, config.dkim_selectors, Dns(config.dns_servers))
        except Unavailable as error:
            yield warn(f"dns {domain}", str(error), "see NOTIFY_DNS_SERVERS and the network")


def _domain_of(entry: Configured) -> str:
    _, at, domain = str(entry.settings.get("from_address", "")).rpartition("@")
    return domain.strip(" >").lower() if at else ""


def _domain(domain: str, selectors: Sequence[str], dns: Dns) -> Iterator[Finding]:
    subject = f"dns {domain}"
    yield _spf(subject, [one for one in dns.texts(domain) if one.lower().startswith("v=spf1")])
    for selector in selectors:
        name = f"{selector}._domainkey.{domain}"
        if any("p=" in one for one in dns.texts(name)):
            yield ok(subject, f"DKIM: {selector} is published")
        else:
            yield fail(subject, f"DKIM: {name} has no key", "publish the TXT record your provider shows")
    policies = [one for one in dns.texts(f"_dmarc.{domain}") if one.startswith("v=DMARC1")]
    yield _dmarc(subject, domain, policies)
    if not dns.mail_servers(domain):
        fix = f"publish an MX record of {domain}"
        yield warn(subject, "no MX: bounces and answers cannot come back", fix)


def _spf(subject: str, found: Sequence[str]) -> Finding:
    if not found:
        return fail(subject, "no SPF record", 'publish TXT "v=spf1 include:<your provider> -all"')
    if len(found) > 1:
        return fail(subject, f"{len(found)} SPF records, which is none", "join them in one (RFC 7208 3.2)")
    if "+all" in found[0].split():
        return fail(subject, "SPF lets anybody send (+all)", "end it with -all or ~all")
    return ok(subject, "SPF is published")


def _dmarc(subject: str, domain: str, found: Sequence[str]) -> Finding:
    if not found:
        fix = f'publish TXT "v=DMARC1; p=none; rua=mailto:..." at _dmarc.{domain}'
        return fail(subject, "no DMARC record", fix)
    return ok(subject, "DMARC is published")
