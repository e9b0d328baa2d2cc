"""POST /oauth/token (RFC 6749 section 3.2). The library picks the grant; each grant has a module in `grants/`."""

import json

from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from oauthlib.common import Request

from authcenter import limits
from authcenter.audit import events
from authcenter.oauth import cross_origin
from authcenter.oauth.errors import OAuth2Error, json_error
from authcenter.oauth.parameters import from_form
from authcenter.oauth.server import server

_REFUSALS = {"invalid_grant", "unauthorized_client", "invalid_scope", "invalid_target"}


@csrf_exempt
def token(http: HttpRequest) -> HttpResponse:
    if http.method == "OPTIONS":
        return cross_origin.preflight(http)
    try:
        headers, body, status, request = server().token_response(http, from_form(http))
    except OAuth2Error as error:
        return json_error(error)
    if status >= 400:
        _refused(http, request, body)
    response = HttpResponse(body.encode(), status=status, headers=headers)  # `no-store` is among them
    return cross_origin.allow(http, response, request.client)


def _refused(http: HttpRequest, request: Request, body: str) -> None:
    """Recorded after the grant's transaction: what the client sees is fixed, what happened is in the log."""
    error = json.loads(body)["error"]
    if error not in _REFUSALS or request.client is None:
        return  # client authentication has recorded its own refusals
    events.record(
        http, events.Kind.GRANT_REFUSED, client_id=request.client.client_id, error=error, grant_type=request.grant_type
    )
    if error == "invalid_grant":
        limits.refused(limits.authorization_code(http, request.client.client_id))
