"""/oauth/device (RFC 8628 section 3.1): a device without a browser asks, and is told a code that its person types in.

The page where she does is `device_page`; the token request is `grants/device_code`.
"""

import secrets
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.views.decorators.csrf import csrf_exempt

from authcenter import limits
from authcenter.audit import events
from authcenter.audit.address import client_address
from authcenter.oauth import clients, cross_origin, user_code
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.errors import OAuth2Error, TooManyRefusals, UnauthorizedClientError, json_error
from authcenter.oauth.models import Application, DeviceGrant
from authcenter.oauth.parameters import Parameters, from_form
from authcenter.oauth.registration import DEVICE_CODE, hashed


@csrf_exempt
def device_authorization(http: HttpRequest) -> HttpResponse:
    """Cross-origin too: what runs on a television is often a web page."""
    if http.method == "OPTIONS":
        return cross_origin.preflight(http)
    application = None
    try:
        parameters = from_form(http)
        application = clients.authenticate(http, parameters)
        answer = JsonResponse(_begun(http, application, parameters))
    except OAuth2Error as error:
        answer = json_error(error)
    answer["Cache-Control"], answer["Pragma"] = "no-store", "no-cache"
    return cross_origin.allow(http, answer, application)


def _begun(http: HttpRequest, application: Application, parameters: Parameters) -> dict[str, Any]:
    """The answer of section 3.2. Client, scopes and resources are judged as at the authorization endpoint."""
    if not application.allows_grant_type(DEVICE_CODE):
        raise UnauthorizedClientError
    scopes = scope_rules.checked(application, scope_rules.without_organization((parameters.get("scope") or "").split()))
    resources = scope_rules.targets(application, parameters.all("resource"))
    scope_rules.for_resources(application, scopes, resources)
    if application.is_public:
        _count(http, application.client_id)
    device_code = secrets.token_urlsafe(32)
    shown = _kept(
        device_code=hashed(device_code),
        application=application,
        application_epoch=application.epoch,
        scope=" ".join(scopes),
        resource=resources,
        interval=settings.DEVICE_POLL_SECONDS,
        expires=timezone.now() + timedelta(seconds=settings.DEVICE_CODE_SECONDS),
        address=client_address(http),
        user_agent=http.META.get("HTTP_USER_AGENT", "").replace("\x00", "")[:512],
    )
    page = settings.ISSUER + reverse("device")
    return {
        "device_code": device_code,
        "user_code": shown,
        "verification_uri": page,
        "verification_uri_complete": f"{page}?{urlencode({'user_code': shown})}",
        "expires_in": settings.DEVICE_CODE_SECONDS,
        "interval": settings.DEVICE_POLL_SECONDS,
    }


def _kept(**fields: Any) -> str:
    """Store the request under a user code that no other waiting request has; the code."""
    for _attempt in range(5):
        shown = user_code.new()
        try:
            with transaction.atomic():
                DeviceGrant.objects.create(user_code=user_code.kept(shown), **fields)
                return shown
        except IntegrityError:  # the same eight letters twice
            continue
    raise RuntimeError("five user codes in a row that others have")


def _count(http: HttpRequest, client_id: str) -> None:
    windows = limits.device_codes(http, client_id)
    wait = limits.reached(windows)
    if not wait and not (wait := limits.taken(windows)):
        return
    events.record(http, events.Kind.LIMIT_REACHED, client_id=client_id, limit="device_codes")
    raise TooManyRefusals(wait, description="Too many device codes. Wait before you ask for another.")
