"""What is wrong with an application's columns, taken together. The module of the model imports this one."""

from collections.abc import Iterator
from typing import Any

from django.utils.translation import gettext as _

from authcenter.branding.models import accent_fault
from authcenter.oauth.redirects import origin_fault, redirect_uri_fault
from authcenter.sessions.revocation import LONGEST_ACCESS_TOKEN


def faults_of(application: Any) -> dict[str, list[str]]:
    """Every fault at once, by the field where it shows."""
    faults: dict[str, list[str]] = {}
    for field, why in (*_of_addresses(application), *_of_the_rest(application)):
        faults.setdefault(field, []).append(why)
    if application.subject_type == "pairwise" and "redirect_uris" not in faults and not application.sector:
        faults.setdefault("sector_identifier_uri", []).append(
            _("Pairwise subjects need it where redirect URIs are of several hosts.")
        )
    return faults


def _of_addresses(application: Any) -> Iterator[tuple[str, str]]:
    native = application.kind == "native"
    for field in ("redirect_uris", "post_logout_redirect_uris"):
        for uri in getattr(application, field).split():
            if fault := redirect_uri_fault(uri, native=native):
                yield field, f"{uri}: {fault}"
    for origin in application.allowed_origins.split():
        if fault := origin_fault(origin):
            yield "allowed_origins", f"{origin}: {fault}"
    if "authorization_code" in application.grant_types and not application.redirect_uris.split():
        yield "redirect_uris", _("Needed for the authorization code.")
    if application.initiate_login_uri and not application.initiate_login_uri.startswith("https://"):
        yield "initiate_login_uri", _("It must begin with https://.")


def _of_the_rest(application: Any) -> Iterator[tuple[str, str]]:
    method, keys = application.token_endpoint_auth_method, application.client_jwks
    if application.is_public and not application.require_pkce:
        yield "require_pkce", _("A public application always needs PKCE.")
    if application.is_public != (method == "none"):
        yield "token_endpoint_auth_method", _("“none” is for public applications, and for them alone.")
    if application.access_token_seconds and application.access_token_seconds > LONGEST_ACCESS_TOKEN.total_seconds():
        yield "access_token_seconds", _("At most a day: revocations are kept so long.")
    if not isinstance(keys, dict | None) or (keys and application.client_jwks_uri):
        yield "client_jwks", _("A JWK Set, or its address; not both.")
    if method == "private_key_jwt" and not (keys or application.client_jwks_uri):
        yield "client_jwks", _("private_key_jwt needs the public keys.")
    if application.is_public and "client_credentials" in application.grant_types:
        yield "grant_types", _("client_credentials needs a confidential application.")
    if application.accent and (why := accent_fault(application.accent, "light")):
        yield "accent", why
