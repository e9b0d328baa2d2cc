"""POST /oauth/revoke (RFC 7009). Either token of a family ends the family: its refresh token and its access tokens.

An access token without a family (a machine's) is revoked alone. An unknown, foreign or dead token is answered like a
good one (section 2.2), with no body and no content type, as browser clients expect.
"""

from dataclasses import dataclass
from uuid import UUID

from django.db import transaction
from django.db.models import BigIntegerField, UUIDField
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt

from authcenter.audit import events
from authcenter.keys.ring import InvalidToken
from authcenter.oauth import access_token, clients, cross_origin
from authcenter.oauth.errors import OAuth2Error, json_error
from authcenter.oauth.grants import refresh_token
from authcenter.oauth.models import Application, Family
from authcenter.oauth.parameters import from_form
from authcenter.oauth.withdrawal import end_family
from authcenter.prepared import Prepared, Slot
from authcenter.sessions.models import Revocation
from authcenter.sessions.revocation import Kind
from authcenter.sessions.revocation import revoke as write_revocation


@csrf_exempt
def revoke(http: HttpRequest) -> HttpResponse:
    if http.method == "OPTIONS":
        return cross_origin.preflight(http)
    try:
        parameters = from_form(http)
        application = clients.authenticate(http, parameters)
    except OAuth2Error as error:
        return json_error(error)
    try:
        token = parameters.required("token")
    except OAuth2Error as error:
        return cross_origin.allow(http, json_error(error), application)
    if mine := _of(application, token):
        with transaction.atomic():
            _end(mine)
            events.record(http, events.Kind.TOKEN_REVOKED, actor=f"client:{application.client_id}", **mine.told)
    response = HttpResponse(status=200)
    response.headers.pop("Content-Type", None)
    response["Cache-Control"] = "no-store"
    return cross_origin.allow(http, response, application)


@dataclass(frozen=True)
class _Token:
    """What ends it, by its id, and what the event tells."""

    kind: Revocation.Kind
    subject: str
    told: dict[str, str]


def _of(application: Application, token: str) -> _Token | None:
    """A token of this application; None where it is not its own to end. The hint is not needed: the form tells."""
    told = {"client_id": application.client_id}
    if said := refresh_token.presented(token):
        mine = _family.first(family=said.family, application=application.pk)
        if mine is None:
            return None
        family = str(said.family)
        return _Token(Kind.FAMILY, family, {**told, "subject": str(mine[0]), "family": family})
    try:
        claims = access_token.read(token)
    except InvalidToken:
        return None
    if claims.get("client_id") != application.client_id:
        return None
    told |= {"subject": claims["sub"], "jti": claims["jti"]}
    if "fid" in claims and "via" not in claims:  # the family of an exchanged one is another application's
        return _Token(Kind.FAMILY, claims["fid"], told)
    return _Token(Kind.TOKEN, claims["jti"], told)


def _end(token: _Token) -> None:
    reason = "revoked by the application"
    if token.kind == Kind.FAMILY:
        end_family(UUID(token.subject), reason=reason)
    else:
        write_revocation(token.kind, token.subject, reason=reason)


_family = Prepared(
    lambda: (
        Family.objects.filter(pk=Slot("family", UUIDField()), application=Slot("application", BigIntegerField()))
        .order_by()
        .values_list("user")
    )
)
