"""Refusal of insecure settings, as a table of faults. All faults are named at once, by checks with ids."""

import os
from collections.abc import Sequence
from ipaddress import ip_address
from typing import Any

import structlog
from django.conf import settings
from django.core.checks import CheckMessage, Error, Tags, Warning, register
from django.core.exceptions import ImproperlyConfigured

from authcenter.environment import INSECURE_SECRET
from authcenter.oauth.redirects import is_loopback

log = structlog.get_logger("authcenter.checks")


def faults() -> list[CheckMessage]:
    """Every reason not to serve with these settings, and what is only unwise."""
    loopback = is_loopback(settings.ISSUER_HOST)
    judged = (*_refused(loopback), *_impossible(), *_unwise(loopback))
    return [message for holds, message in judged if holds]


def _refused(loopback: bool) -> list[tuple[bool, CheckMessage]]:
    return [
        (
            settings.DEMO and not loopback,
            Error(
                "DEMO is set, but the issuer is not loopback: the demo's accounts would be open to the world.",
                hint="Unset DEMO, or set ISSUER to http://localhost:8000.",
                id="authcenter.E001",
            ),
        ),
        (
            not settings.DEMO and (settings.SECRET_KEY == INSECURE_SECRET or len(settings.SECRET_KEY) < 32),
            Error(
                "SECRET_KEY is missing or shorter than 32 characters.",
                hint="Set SECRET_KEY or SECRET_KEY_FILE, for example to the output of `openssl rand -base64 48`.",
                id="authcenter.E002",
            ),
        ),
        (
            not settings.DEMO and any(key == INSECURE_SECRET or len(key) < 32 for key in settings.ENCRYPTION_KEYS),
            Error(
                "ENCRYPTION_KEYS is missing, or one of them is shorter than 32 characters.",
                hint="Set ENCRYPTION_KEYS or ENCRYPTION_KEYS_FILE; it opens the signing keys, so keep a copy safe.",
                id="authcenter.E003",
            ),
        ),
        (
            not settings.DEMO and not settings.SECURE and not loopback,
            Error(
                f"ISSUER is {settings.ISSUER}: an issuer is https unless it is loopback.",
                hint="Set ISSUER to the https address that people and applications use.",
                id="authcenter.E004",
            ),
        ),
        (
            not settings.DEMO and settings.DEBUG,
            Error(
                "DEBUG is on: error pages would show settings and sources.", hint="Unset DEBUG.", id="authcenter.E005"
            ),
        ),
        (
            not settings.DEMO and any(host in {"*", "."} for host in settings.ALLOWED_HOSTS),
            Error(
                "ALLOWED_HOSTS is *: anybody could choose the host in links and cookies.",
                hint="Set ALLOWED_HOSTS to the names that this server answers to.",
                id="authcenter.E006",
            ),
        ),
    ]


def _impossible() -> list[tuple[bool, CheckMessage]]:
    """What means nothing."""
    return [
        (
            bool(set(settings.LEGACY_FLOWS) - {"implicit", "hybrid", "password"}),
            Error(
                f"LEGACY_FLOWS is {','.join(settings.LEGACY_FLOWS)}: there are implicit, hybrid and password.",
                hint="Correct LEGACY_FLOWS, or unset it.",
                id="authcenter.E007",
            ),
        ),
        (
            settings.DELETION_GRACE_DAYS < 0,
            Error(
                f"DELETION_GRACE_DAYS is {settings.DELETION_GRACE_DAYS}: time does not run backwards.",
                hint="Set DELETION_GRACE_DAYS to 0 or more, or unset it.",
                id="authcenter.E020",
            ),
        ),
    ]


def _unwise(loopback: bool) -> list[tuple[bool, CheckMessage]]:
    return [
        (
            bool(settings.GEOIP_FILE) and not os.access(settings.GEOIP_FILE, os.R_OK),
            Warning(
                f"GEOIP_FILE is {settings.GEOIP_FILE}, which cannot be read: no place is shown.",
                hint="Correct GEOIP_FILE, or unset it.",
                id="authcenter.W020",
            ),
        ),
        (
            bool(settings.LEGACY_FLOWS),
            Warning(
                f"LEGACY_FLOWS is on: {', '.join(settings.LEGACY_FLOWS)}. RFC 9700 advises against these flows.",
                hint="Move applications to the code flow with PKCE, then unset LEGACY_FLOWS.",
                id="authcenter.W002",
            ),
        ),
        (
            not settings.REGISTRATION_REQUIRES_PKCE,
            Warning(
                "REGISTRATION_REQUIRES_PKCE is off: codes of self-registered applications can be injected.",
                hint="Unset it as soon as those applications send a code_challenge.",
                id="authcenter.W003",
            ),
        ),
        (
            not settings.DEMO and not settings.STAFF_SECOND_FACTOR,
            Warning(
                "STAFF_SECOND_FACTOR is off: an operator's password alone opens the console.",
                hint="Unset it: operators set up a second factor at their next sign-in.",
                id="authcenter.W004",
            ),
        ),
        (
            bool(settings.BREACHED_PASSWORDS_FILE) and not os.path.isfile(settings.BREACHED_PASSWORDS_FILE),
            Warning(
                f"BREACHED_PASSWORDS_FILE is {settings.BREACHED_PASSWORDS_FILE}, and there is no such file.",
                hint="Put it there: until then stolen passwords are not recognised.",
                id="authcenter.W010",
            ),
        ),
        (
            not settings.DEMO and settings.EMAIL_BACKEND == "accounts.mail.FileAndLogBackend" and not loopback,
            Warning(
                "EMAIL_URL is not set: mail goes to files and its text, with codes, to the log.",
                hint="Set EMAIL_URL, for example smtp+tls://user:password@mail.example.com:587.",
                id="authcenter.W001",
            ),
        ),
        (
            _is_number(settings.ISSUER_HOST),
            Warning(
                f"ISSUER is {settings.ISSUER}: passkeys need a name, not a number.",
                hint="Set ISSUER to an address with a host name; on this machine, http://localhost:8000.",
                id="authcenter.W005",
            ),
        ),
    ]


def _is_number(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


@register(Tags.security)
def settings_are_secure(app_configs: Any, **options: Any) -> Sequence[CheckMessage]:
    return faults()


def refuse_insecure_settings() -> None:
    """Raise `ImproperlyConfigured` naming every fault, so that no worker serves with them; log what is only unwise."""
    found = faults()
    for fault in found:
        if not fault.is_serious():
            log.warning("less_safe_setting", id=fault.id, what=fault.msg, hint=fault.hint)
    errors = [fault for fault in found if fault.is_serious()]
    if errors:
        lines = "\n".join(f"  {fault.id}: {fault.msg} {fault.hint}" for fault in errors)
        raise ImproperlyConfigured(f"AuthCenter does not start with these settings:\n{lines}")
