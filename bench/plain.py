"""The yardstick of bench.feed: the plainest JSON view that Django has, without middleware or database."""

from django.conf import settings
from django.http import HttpRequest, JsonResponse
from django.urls import path


def plain(request: HttpRequest) -> JsonResponse:
    return JsonResponse({"status": "ok"})


urlpatterns = [path("plain", plain)]

settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["127.0.0.1"], SECRET_KEY="no secret: nothing is signed")

from django.core.wsgi import get_wsgi_application  # noqa: E402 - after the settings

application = get_wsgi_application()
