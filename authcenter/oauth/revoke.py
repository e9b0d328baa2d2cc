"""POST /oauth/revoke (RFC 7009). Either token of a family ends the family: its refresh token and its access tokens.

An access token without a family (a machine's) is revoked alone. An unknown, foreign or dead token is answered like a
good one (section 2.2), with no body and no content type, as browser clients expect.
"""

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
    if what := _end(application, token):
        events.record(http, events.Kind.TOKEN_REVOKED, actor=f"client:{application.client_id}", **what)
    response = HttpResponse(status=200)
    response.headers.pop("Content-Type", None)
    response["Cache-Control"] = "no-store"
    return cross_origin.allow(http, response, application)


def _end(application: Application, token: str) -> dict[str, str]:
    """What was ended; empty where nothing was this application's to end. The hint is not needed: the form tells."""
    if said := refresh_token.presented(token):
        mine = Family.objects.filter(pk=said.family, application=application).values_list("user_id", flat=True).first()
        if mine is None:
            return {}
        end_family(said.family, reason="revoked by the application")
        return {"client_id": application.client_id, "subject": str(mine), "family": str(said.family)}
    try:
        claims = access_token.read(token)
    except InvalidToken:
        return {}
    if claims.get("client_id") != application.client_id:
        return {}
    if "via" in claims:  # exchanged: the family is another application's
        write_revocation(Kind.TOKEN, claims["jti"], reason="revoked by the application")
    elif family := claims.get("fid"):
        end_family(family, reason="revoked by the application")
    else:
        write_revocation(Kind.TOKEN, claims["jti"], reason="revoked by the application")
    return {"client_id": application.client_id, "subject": claims["sub"], "jti": claims["jti"]}
