"""Finding and authenticating applications (RFC 6749 section 2.3), by exactly the method that is registered.

One statement: the application, what it may ask for at which API, and whether its refusals are over the limit.
Ends at token, revocation and introspection alike. The secret is 256 random bits, so SHA-256 and a constant-time
comparison are enough.
"""

import base64
import binascii
import hmac
from urllib.parse import unquote_plus

from django.db.models import CharField, OuterRef, Subquery, Value
from django.db.models.functions import Concat
from django.http import HttpRequest

from authcenter import limits
from authcenter.audit import events
from authcenter.oauth.errors import InvalidClientError, InvalidRequestError, TooManyRefusals
from authcenter.oauth.models import API, Application, Scope
from authcenter.oauth.parameters import Parameters
from authcenter.oauth.registration import hashed


def find(client_id: str, windows: list[limits.Window] | None = None) -> Application | None:
    """The active application of this id, with `api_scopes` (scope to API identifier) and `over_limit`, or None."""
    if not client_id or len(client_id) > 255 or not client_id.isascii() or not client_id.isprintable():
        return None
    application = (
        Application.objects.filter(client_id=client_id, is_active=True)
        .annotate(
            over_limit=limits.reached_subquery(windows or []),
            joined_scopes=_Joined(
                Scope.objects.filter(applications=OuterRef("pk"), api__is_active=True)
                .order_by()
                .values(pair=Concat("name", Value(" "), "api__identifier", output_field=CharField()))
            ),
        )
        .first()
    )
    if application is not None:
        lines = (application.joined_scopes or "").split("\n")
        application.api_scopes = dict(line.split(" ", 1) for line in lines if line)
    return application


def authenticate(request: HttpRequest, parameters: Parameters) -> Application:
    """The application that sent this request and proved it.

    Raises `InvalidRequestError` where it used two methods or named two clients, `InvalidClientError` where the proof
    is missing, wrong or by another method than the registered one, `TooManyRefusals` over the limit.
    """
    client_id, secret, method = _credentials(request, parameters)
    windows = limits.application_secret(request, client_id) + limits.authorization_code(request, client_id)
    application = find(client_id, windows)
    if application is not None and application.over_limit:
        raise TooManyRefusals(limits.reached(windows))
    if application is not None and application.token_endpoint_auth_method == method and _proved(application, secret):
        return application
    raise _refused(request, client_id, method)


def authenticate_caller(request: HttpRequest, parameters: Parameters) -> Application | API:
    """For introspection (RFC 7662 section 2.1): a confidential application, or an API by its own credentials."""
    client_id, secret, method = _credentials(request, parameters)
    windows = limits.application_secret(request, client_id)
    api = API.objects.filter(client_id=client_id, is_active=True).first() if client_id.isascii() else None
    if api is not None:
        if wait := limits.reached(windows):
            raise TooManyRefusals(wait)
        if api.client_secret and hmac.compare_digest(api.client_secret, hashed(secret)):
            return api
        raise _refused(request, client_id, method)
    application = authenticate(request, parameters)
    if application.is_public:
        raise _refused(request, client_id, method)
    return application


def _proved(application: Application, secret: str) -> bool:
    """A public application has nothing to prove; nobody has an empty secret."""
    if application.is_public:
        return True
    return bool(application.client_secret) and hmac.compare_digest(application.client_secret, hashed(secret))


def _refused(request: HttpRequest, client_id: str, method: str) -> InvalidClientError | TooManyRefusals:
    """One answer for every reason; the reason that matters, who and how often, goes to the log."""
    windows = limits.application_secret(request, client_id)
    wait = limits.refused(windows)
    events.record(request, events.Kind.CLIENT_REFUSED, client_id=client_id, method=method)
    if wait:
        return TooManyRefusals(wait)
    if limits.reached(windows):  # by this very refusal: told once, the next ones are not even looked at
        events.record(request, events.Kind.LIMIT_REACHED, client_id=client_id, limit="application_secret")
    return InvalidClientError(description="Client authentication failed.")


def _credentials(request: HttpRequest, parameters: Parameters) -> tuple[str, str, str]:
    """Client id, secret and the method used."""
    named, secret = parameters.get("client_id"), parameters.get("client_secret")
    header = request.META.get("HTTP_AUTHORIZATION", "")
    if header:
        if secret is not None or parameters.get("client_assertion") is not None:
            raise InvalidRequestError(description="Use one method of client authentication, not two.")
        client_id, secret = _basic(header)
        if named is not None and named != client_id:
            raise InvalidRequestError(description="The request names two clients.")
        return client_id, secret, Application.AuthMethod.BASIC
    if named is None:
        raise InvalidClientError(description="Client authentication failed.")
    if secret is not None:
        return named, secret, Application.AuthMethod.POST
    return named, "", Application.AuthMethod.NONE


def _basic(header: str) -> tuple[str, str]:
    """RFC 7617, and RFC 6749 section 2.3.1: id and secret are form-encoded before they are joined."""
    scheme, _, encoded = header.partition(" ")
    try:
        if scheme.lower() != "basic":
            raise ValueError
        client_id, colon, secret = base64.b64decode(encoded.strip(), validate=True).decode("utf-8").partition(":")
        client_id, secret = unquote_plus(client_id, errors="strict"), unquote_plus(secret, errors="strict")
    except (ValueError, binascii.Error):
        raise InvalidClientError(description="Client authentication failed.") from None
    if not colon or "\x00" in client_id or not client_id:
        raise InvalidClientError(description="Client authentication failed.")
    return client_id, secret


class _Joined(Subquery):
    """The one column of a subquery's rows, joined by newlines: a list in the same statement, on both databases."""

    output_field = CharField()

    def as_sqlite(self, compiler, connection, **extra):
        return super().as_sql(
            compiler, connection, template="(SELECT GROUP_CONCAT(pair, char(10)) FROM (%(subquery)s) joined)", **extra
        )

    def as_postgresql(self, compiler, connection, **extra):
        return super().as_sql(
            compiler, connection, template="(SELECT STRING_AGG(pair, chr(10)) FROM (%(subquery)s) joined)", **extra
        )
