"""POST /oauth/par (RFC 9126): an application brings its authorization request itself, and gets a reference to it.

It is judged here as it will be there, and kept for a minute. The reference is good until it was answered: a person may
reload the page, but one code is all that it buys.
"""

import secrets
from datetime import timedelta

from django.conf import settings
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from authcenter import limits
from authcenter.audit import events
from authcenter.oauth import authorization_request, clients, cross_origin, pushed
from authcenter.oauth.errors import InvalidRequestError, OAuth2Error, TooManyRefusals, json_error
from authcenter.oauth.models import Application, PushedRequest
from authcenter.oauth.parameters import Parameters, from_form
from authcenter.oauth.registration import hashed

_PROOF = frozenset({"client_secret", "client_assertion", "client_assertion_type"})


@csrf_exempt
def par(http: HttpRequest) -> HttpResponse:
    if http.method == "OPTIONS":
        return cross_origin.preflight(http)
    application = None
    try:
        parameters = from_form(http)
        application = clients.authenticate(http, parameters)
        answer = _pushed(http, application, parameters)
    except OAuth2Error as error:
        if application is not None:
            events.record(
                http, events.Kind.AUTHORIZATION_REFUSED, client_id=application.client_id, error=error.error, pushed=True
            )
        answer = json_error(error)
    return cross_origin.allow(http, answer, application)


def _pushed(http: HttpRequest, application: Application, parameters: Parameters) -> JsonResponse:
    """Section 2.2."""
    if parameters.get("request_uri") is not None:
        raise InvalidRequestError(description="request_uri has no meaning here.")
    if application.is_public and (wait := limits.taken(limits.pushed_requests(http, application.client_id))):
        raise TooManyRefusals(wait)
    named = [("client_id", application.client_id)]
    asked = Parameters(tuple([*named, *(pair for pair in parameters.pairs if pair[0] not in {"client_id", *_PROOF})]))
    request = authorization_request.begun(http, asked, pushing=True)
    authorization_request.checked(request)
    reference = secrets.token_urlsafe(32)
    PushedRequest.objects.create(
        key=hashed(reference),
        application=application,
        pairs=[list(pair) for pair in request.__dict__["_parameters"].pairs],
        expires=timezone.now() + timedelta(seconds=settings.PUSHED_REQUEST_SECONDS),
    )
    return JsonResponse(
        {"request_uri": pushed.PREFIX + reference, "expires_in": settings.PUSHED_REQUEST_SECONDS},
        status=201,
        headers={"Cache-Control": "no-store"},
    )
