"""/demo/: a page that is a public client, in plain JavaScript, and what the samples say about themselves."""

from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from authcenter.demo import data_file, samples


@require_safe
def client(request: HttpRequest) -> HttpResponse:
    """All that the page's script needs to know is on the page; it is told nothing secret, for it could not keep it."""
    if request.get_host() != urlsplit(settings.ISSUER).netloc:
        # Its redirect URI and what it keeps during the sign-in belong to one origin: 127.0.0.1 is not localhost.
        return redirect(f"{settings.ISSUER}/demo/")
    demo = data_file.read()
    if demo is None:
        return render(request, "demo/not_seeded.html", status=503)
    return render(request, "demo/client.html", _about(demo))


@require_safe
def privacy(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/privacy.html", {"publisher": samples.PUBLISHER})


@require_safe
def terms(request: HttpRequest) -> HttpResponse:
    return render(request, "demo/terms.html", {"publisher": samples.PUBLISHER})


def _about(demo: dict[str, Any]) -> dict[str, Any]:
    spa, api = demo["applications"]["spa"], demo["apis"]["demo"]
    return {
        "client_id": spa["client_id"],
        "redirect_uri": spa["redirect_uris"][0],
        "api": api["identifier"],
        "orders_url": api["url"],
        "email": demo["people"]["demo"]["email"],
    }
