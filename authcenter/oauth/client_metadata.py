"""Client metadata (RFC 7591 section 2, OpenID Connect Dynamic Client Registration section 2), read and told.

What an application says of itself is judged as an operator's entries are, and more strictly: each member that would
change what tokens mean is known here, or refused with its name. The rest is ignored, as the specifications want it.
"""

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from authcenter import limits
from authcenter.keys.ring import ALGORITHMS
from authcenter.oauth import client_keys, response_types
from authcenter.oauth.errors import InvalidClientMetadata, InvalidRedirectUri, TooManyRefusals
from authcenter.oauth.metadata_reader import Reader
from authcenter.oauth.models import Application, Scope
from authcenter.oauth.redirects import is_loopback, redirect_uri_fault, web_origins
from authcenter.oauth.registration import DEFAULTS, DEVICE_CODE
from authcenter.oauth.scopes import IDENTITY, OFFLINE, OPENID
from authcenter.outbox import outbound

_CODE, _REFRESH, _IMPLICIT = "authorization_code", "refresh_token", "implicit"
_GRANTS = (_CODE, _REFRESH, DEVICE_CODE, _IMPLICIT)
_METHODS = Application.AuthMethod.values
_PROMISES = {
    "dpop_bound_access_tokens": "DPoP",
    "require_signed_request_object": "request objects",
    "tls_client_certificate_bound_access_tokens": "certificate-bound tokens",
    "id_token_encrypted_response_alg": "encryption",
    "userinfo_encrypted_response_alg": "encryption",
    "introspection_encrypted_response_alg": "encryption",
}
"""What an application would rely on, and this server does not do."""


@dataclass(frozen=True)
class Described:
    """Columns of an Application, and the API scopes that it may ask for."""

    fields: dict[str, Any]
    scopes: list[Scope]


def read(metadata: dict[str, Any], http: HttpRequest) -> Described:
    """`http` is whose request this is: what other servers are asked for it is counted.

    Raises `InvalidRedirectUri` or `InvalidClientMetadata`, with the member's name and what is wrong.
    """
    for name, what in _PROMISES.items():
        if metadata.get(name):
            raise InvalidClientMetadata(description=f"{name}: {what} is not supported.")
    one = Reader(metadata)
    grants = one.some("grant_types", _GRANTS, [_CODE])
    types = _response_types(one, grants)
    redirects = one.texts("redirect_uris")
    kind = _kind(one, redirects, grants)
    native = kind == Application.Kind.NATIVE
    method = one.choice("token_endpoint_auth_method", _METHODS, Application.AuthMethod.BASIC)
    public = method == Application.AuthMethod.NONE
    if public and kind == Application.Kind.WEB:
        kind = Application.Kind.SPA
    if not redirects and {_CODE, _IMPLICIT} & {*grants}:
        raise InvalidRedirectUri(description="redirect_uris: at least one is needed.")
    _judge_redirects(redirects, native)
    if _IMPLICIT in grants and not native:
        _judge_implicit(redirects)
    after_logout = one.texts("post_logout_redirect_uris")
    _judge_redirects(after_logout, native)
    identity, scopes = _scopes(one, kind, grants)
    fields = {
        "name": one.text("client_name") or _name_from(redirects),
        "kind": kind,
        "client_type": Application.CLIENT_PUBLIC if public else Application.CLIENT_CONFIDENTIAL,
        "grant_types": grants,
        "response_types": types,
        "redirect_uris": "\n".join(redirects),
        "post_logout_redirect_uris": "\n".join(after_logout),
        "allowed_origins": "\n".join(web_origins(redirects)) if kind == Application.Kind.SPA else "",
        "identity_scopes": identity,
        "optional_scopes": _optional(one, [*identity, *(scope.name for scope in scopes)]),
        "require_pkce": public or settings.REGISTRATION_REQUIRES_PKCE,
        "token_endpoint_auth_method": method,
        **_for_itself(one),
    }
    _judge_frame(fields["frontchannel_logout_uri"], redirects)
    _judge_sector(fields["sector_identifier_uri"], redirects, http)
    return Described(fields, scopes)


def _for_itself(one: Reader) -> dict[str, Any]:
    """Members that are judged without a look at the others."""
    return {
        "token_endpoint_auth_signing_alg": one.choice(
            "token_endpoint_auth_signing_alg", ("HS256", *client_keys.ALGORITHMS), ""
        ),
        "request_object_signing_alg": one.choice("request_object_signing_alg", client_keys.ALGORITHMS, ""),
        "request_uris": one.each_outbound("request_uris"),
        "client_jwks": one.jwks(),
        "client_jwks_uri": one.outbound("jwks_uri"),
        "id_token_signed_response_alg": one.choice("id_token_signed_response_alg", ALGORITHMS, "RS256"),
        "userinfo_signed_response_alg": one.choice("userinfo_signed_response_alg", ALGORITHMS, ""),
        "subject_type": one.choice("subject_type", Application.SubjectType.values, "public"),
        "sector_identifier_uri": one.outbound("sector_identifier_uri"),
        "default_max_age": one.seconds("default_max_age"),
        "initiate_login_uri": one.https("initiate_login_uri"),
        "backchannel_logout_uri": one.outbound("backchannel_logout_uri"),
        "backchannel_logout_session_required": one.flag("backchannel_logout_session_required"),
        "frontchannel_logout_uri": one.web("frontchannel_logout_uri"),
        "frontchannel_logout_session_required": one.flag("frontchannel_logout_session_required"),
        "require_pushed_authorization_requests": one.flag("require_pushed_authorization_requests", usual=False),
        "contacts": one.texts("contacts"),
        "software_id": one.text("software_id"),
        "software_version": one.text("software_version"),
        **{name: one.web(name) for name in ("client_uri", "logo_uri", "policy_uri", "tos_uri")},
    }


def replace(application: Application, described: Described) -> set[str]:
    """Make of this application what is described now; the columns that this concerns. What an operator has reviewed is
    not what has another name or address since."""
    if any(getattr(application, name) != described.fields[name] for name in _WHO_IT_IS):
        application.is_reviewed = False
    for name, value in described.fields.items():
        setattr(application, name, value)
    return {*described.fields, "is_reviewed", "updated"}


_WHO_IT_IS = ("name", "redirect_uris", "logo_uri", "client_uri", "policy_uri", "tos_uri")


def judged(application: Application) -> Application:
    """The same rules as in the console, last. Raises `InvalidClientMetadata`."""
    try:
        application.full_clean(exclude=["client_secret"])
    except ValidationError as error:
        name, texts = next(iter(error.message_dict.items()))
        raise InvalidClientMetadata(description=f"{_TOLD_AS.get(name, name)}: {texts[0]}") from None
    return application


_TOLD_AS = {"client_jwks": "jwks", "client_jwks_uri": "jwks_uri", "name": "client_name"}
_AS_THEY_ARE = (
    "grant_types", "response_types", "token_endpoint_auth_method", "token_endpoint_auth_signing_alg",
    "id_token_signed_response_alg", "userinfo_signed_response_alg", "subject_type", "sector_identifier_uri",
    "default_max_age", "initiate_login_uri", "backchannel_logout_uri", "frontchannel_logout_uri", "contacts",
    "software_id", "software_version", "request_object_signing_alg", "request_uris",
    "client_uri", "logo_uri", "policy_uri", "tos_uri",
)  # fmt: skip


def told(application: Application) -> dict[str, Any]:
    """What is registered (RFC 7591 section 3.2.1): the whole, also what was not asked for; empty members left out."""
    api_scopes = application.scopes.order_by("name").values_list("name", flat=True)
    members = {
        "client_id": application.client_id,
        "client_name": application.name,
        "application_type": "native" if application.kind == Application.Kind.NATIVE else "web",
        "redirect_uris": application.redirect_uris.split(),
        "post_logout_redirect_uris": application.post_logout_redirect_uris.split(),
        "scope": " ".join([*application.identity_scopes, *api_scopes]),
        "optional_scope": " ".join(application.optional_scopes),
        "jwks": application.client_jwks,
        "jwks_uri": application.client_jwks_uri,
        **{name: getattr(application, name) for name in _AS_THEY_ARE},
    }
    for channel in ("backchannel", "frontchannel"):
        if members[f"{channel}_logout_uri"]:
            name = f"{channel}_logout_session_required"
            members[name] = getattr(application, name)
    return {name: value for name, value in members.items() if value not in ("", None, [], {})}


def _response_types(one: Reader, grants: list[str]) -> list[str]:
    known = {frozenset(name.split(" ")): name for name in response_types.supported()}
    asked = [frozenset(name.split(" ")) for name in one.texts("response_types")]
    if not asked:
        return ["code"] if _CODE in grants else []
    if any(types not in known for types in asked):
        raise InvalidClientMetadata(description="response_types: one of them is not available here.")
    if any("code" in types for types in asked) and _CODE not in grants:
        raise InvalidClientMetadata(description="response_types: code needs the grant type authorization_code.")
    if any(types & {"token", "id_token"} for types in asked) and _IMPLICIT not in grants:
        raise InvalidClientMetadata(description="response_types: id_token and token need the grant type implicit.")
    return list(dict.fromkeys(known[types] for types in asked))


def _kind(one: Reader, redirects: list[str], grants: list[str]) -> str:
    """What is said; else what the redirect URIs tell: who comes back to the device itself is a native application."""
    said = one.choice("application_type", ("web", "native"), "")
    if not redirects and DEVICE_CODE in grants:
        return Application.Kind.DEVICE
    local = bool(redirects) and all(
        parts.scheme not in {"http", "https"} or is_loopback(parts.hostname or "") for parts in map(_parts, redirects)
    )
    return Application.Kind.NATIVE if said == "native" or (local and not said) else Application.Kind.WEB


def _parts(uri: str) -> Any:
    try:
        return urlsplit(uri)
    except ValueError:
        raise InvalidRedirectUri(description="A redirect URI is no URI.") from None


def _judge_redirects(uris: list[str], native: bool) -> None:
    for uri in uris:
        if why := redirect_uri_fault(uri, native=native):
            raise InvalidRedirectUri(description=f"Redirect URI: {why}.")


def _judge_implicit(redirects: list[str]) -> None:
    """OpenID Connect Registration section 2: such web clients come back by https, and not to the device itself."""
    if any(parts.scheme != "https" or is_loopback(parts.hostname or "") for parts in map(_parts, redirects)):
        raise InvalidRedirectUri(description="Redirect URI: a web client with the grant type implicit needs https.")


def _judge_frame(uri: str, redirects: list[str]) -> None:
    """OpenID Connect Front-Channel Logout section 2: it lies where the application does."""
    origins = {(parts.scheme, parts.netloc) for parts in map(_parts, redirects)}
    if uri and (_parts(uri).scheme, _parts(uri).netloc) not in origins:
        raise InvalidClientMetadata(description="frontchannel_logout_uri: it must lie where a redirect URI does.")


def _judge_sector(uri: str, redirects: list[str], http: HttpRequest) -> None:
    """OpenID Connect Core section 8.1: the document there names every redirect URI."""
    if not uri:
        return
    if not redirects:
        raise InvalidClientMetadata(description="sector_identifier_uri: who has no redirect URI is named in no sector.")
    if wait := limits.taken(limits.client_documents(http, _parts(uri).netloc)):
        raise TooManyRefusals(wait)
    if not uri.startswith("https://"):
        raise InvalidClientMetadata(description="sector_identifier_uri: it must begin with https://.")
    try:
        answer = outbound.get(uri, accept="application/json")
        named = json.loads(answer.body) if answer.status == 200 else None
    except (outbound.Refused, outbound.Failed, ValueError, RecursionError):
        named = None
    if not isinstance(named, list) or not {*redirects} <= {name for name in named if isinstance(name, str)}:
        raise InvalidClientMetadata(
            description="sector_identifier_uri: no list that names every redirect URI was found there."
        )


def _scopes(one: Reader, kind: str, grants: list[str]) -> tuple[list[str], list[Scope]]:
    """Of what is asked for, what an application that nobody here knows may have; the answer tells which that is."""
    may = [name for name in (*DEFAULTS[kind]["identity_scopes"], OFFLINE) if name != OFFLINE or _REFRESH in grants]
    open_scopes = list(Scope.objects.filter(api__is_active=True, api__self_service=True))
    asked = one.text("scope", 4096).split()
    if not asked:
        return list(dict.fromkeys(may)), open_scopes
    identity = [name for name in dict.fromkeys(asked) if name in IDENTITY and name in may]
    return identity, [scope for scope in open_scopes if scope.name in asked]


def _optional(one: Reader, may: list[str]) -> list[str]:
    """A member of our own: what people may leave out, of the scopes that the application may ask for."""
    return [name for name in dict.fromkeys(one.text("optional_scope", 4096).split()) if name in may and name != OPENID]


def _name_from(redirects: list[str]) -> str:
    """Where an application does not say what it is called."""
    return (_parts(redirects[0]).hostname or _parts(redirects[0]).scheme) if redirects else "?"
