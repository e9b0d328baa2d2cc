"""A small API on Django REST framework that checks AuthCenter's tokens by itself: the same view open, offline, and
with the revocation check. Which issuer and which API it is, BENCH_ISSUER and BENCH_AUDIENCE say.
"""

import os
from functools import cache

from django.conf import settings

settings.configure(
    SECRET_KEY="no secret: nothing is signed",
    ALLOWED_HOSTS=["127.0.0.1"],
    ROOT_URLCONF=__name__,
    INSTALLED_APPS=["rest_framework"],
    REST_FRAMEWORK={"DEFAULT_AUTHENTICATION_CLASSES": [], "UNAUTHENTICATED_USER": None},
)

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings

application = get_wsgi_application()

from django.urls import path  # noqa: E402 - after the registry of apps
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402

from authcenter.resource_server import Issuer, Verifier  # noqa: E402
from authcenter.resource_server.drf import BearerAuthentication, HasScope  # noqa: E402

ISSUER, AUDIENCE = os.environ["BENCH_ISSUER"], os.environ["BENCH_AUDIENCE"]


@cache
def _issuer() -> Issuer:
    return Issuer(ISSUER)


@cache
def _offline() -> Verifier:
    return Verifier(ISSUER, AUDIENCE, keys=_issuer())


@cache
def _checked() -> Verifier:
    return Verifier(_issuer(), AUDIENCE)


class Offline(BearerAuthentication):
    """Signature and claims; nothing is known of revocations."""

    def verifier(self) -> Verifier:
        return _offline()


class Checked(BearerAuthentication):
    """And the feed is followed."""

    def verifier(self) -> Verifier:
        return _checked()


class Hello(APIView):
    def get(self, request: Request) -> Response:
        return Response({"status": "ok"})


_ORDERS = (HasScope("orders:read"),)
urlpatterns = [
    path("open", Hello.as_view(permission_classes=())),
    path("offline", Hello.as_view(authentication_classes=(Offline,), permission_classes=_ORDERS)),
    path("checked", Hello.as_view(authentication_classes=(Checked,), permission_classes=_ORDERS)),
]
