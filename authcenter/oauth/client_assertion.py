"""`private_key_jwt` and `client_secret_jwt` (OpenID Connect Core section 9, RFC 7523 sections 2.2 and 3)."""

from django.conf import settings

from authcenter.keys import vault
from authcenter.oauth import assertions
from authcenter.oauth.models import Application
from authcenter.resource_server.signature import declared_claims

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
METHODS = (Application.AuthMethod.SECRET_JWT, Application.AuthMethod.KEY_JWT)


def named(assertion: str) -> str:
    """Whom it claims to be by; unverified, to find the keys by."""
    subject = declared_claims(assertion).get("sub")
    return subject if isinstance(subject, str) and subject.isascii() and subject.isprintable() else ""


def check(application: Application, assertion: str) -> None:
    """Raises `assertions.Refused` where this application did not make it, for this server, now, for the first time."""
    registered = application.token_endpoint_auth_signing_alg
    if application.token_endpoint_auth_method == Application.AuthMethod.KEY_JWT:
        keys = application.client_jwks, application.client_jwks_uri
        claims = assertions.by_key(assertion, *keys, registered=registered)
    else:
        claims = assertions.by_secret(assertion, _secret(application))
    if claims.get("iss") != application.client_id or claims.get("sub") != application.client_id:
        raise assertions.Refused("iss and sub are not the client")
    assertions.check(claims, audiences=[settings.ISSUER, *settings.CLIENT_ASSERTION_AUDIENCES])
    assertions.use(claims)


def _secret(application: Application) -> str:
    """Kept readable where it was made for this method; an operator who changes the method rolls it."""
    try:
        return vault.decrypt(application.readable_secret)
    except vault.Undecryptable:
        raise assertions.Refused("no secret that can be read: it must be rolled") from None
