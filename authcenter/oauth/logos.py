"""Applications' logos, from this server alone: no page of ours makes a person's browser ask another site.

What lies at `logo_uri` is fetched through the outbound guard at its first showing and again after a week. Only pictures
of pixels are taken, by what they are and not by what they say they are: nothing in them runs.
"""

from datetime import timedelta
from html import escape

from django.conf import settings
from django.core.cache import cache
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_safe

from authcenter.branding import pictures
from authcenter.oauth.models import Application, Logo
from authcenter.outbox import outbound

_KEPT = timedelta(days=7)
_NOT_AGAIN_SECONDS = 60
_STARTS = {
    b"\x89PNG\r\n\x1a\n": "image/png",
    b"\xff\xd8\xff": "image/jpeg",
    b"GIF87a": "image/gif",
    b"GIF89a": "image/gif",
}


@require_safe
def logo(http: HttpRequest, pk: int) -> HttpResponse:
    """The picture, or the first letter of the name where there is none."""
    application = get_object_or_404(Application, pk=pk, is_active=True)
    kept = Logo.objects.filter(application=application, source=application.logo_uri).first()
    if kept is None or timezone.now() - kept.fetched > _KEPT:
        kept = _fetched(application) or kept
    if kept is None:
        response = HttpResponse(_letter(application.name), content_type="image/svg+xml")
        response["Cache-Control"] = "public, max-age=60"
    else:
        response = HttpResponse(bytes(kept.image), content_type=kept.content_type)
        response["Cache-Control"] = "public, max-age=3600"
    response["Content-Security-Policy"] = "default-src 'none'; style-src 'none'; sandbox"
    return response


def keep(application: Application, picture: bytes) -> None:
    """A PNG that an operator uploaded. Its address is of this server, so nobody else is asked for it."""
    address = f"{settings.ISSUER}{reverse('oauth-logo', args=[application.pk])}?v={pictures.key_of(picture)}"
    fields = {"image": picture, "content_type": "image/png", "source": address, "fetched": timezone.now()}
    Logo.objects.update_or_create(application=application, defaults=fields)
    Application.objects.filter(pk=application.pk).update(logo_uri=address)
    application.logo_uri = address


def kind_of(image: bytes) -> str:
    """The media type of a picture, by its first bytes; empty where it is none that is shown here."""
    if image[:4] == b"RIFF" and image[8:12] == b"WEBP":
        return "image/webp"
    return next((kind for start, kind in _STARTS.items() if image.startswith(start)), "")


def _fetched(application: Application) -> Logo | None:
    address = application.logo_uri
    if (
        not address
        or address.startswith(f"{settings.ISSUER}/")
        or not cache.add(f"logo {application.pk}", True, timeout=_NOT_AGAIN_SECONDS)
    ):
        return None
    try:
        answer = outbound.get(address, accept="image/png, image/jpeg, image/webp, image/gif")
    except outbound.Busy:
        cache.delete(f"logo {application.pk}")  # nobody was asked
        return None
    except (outbound.Refused, outbound.Failed):
        return None
    kind = kind_of(answer.body) if answer.status == 200 else ""
    if not kind:
        return None
    fields = {"image": answer.body, "content_type": kind, "source": address, "fetched": timezone.now()}
    return Logo.objects.update_or_create(application=application, defaults=fields)[0]


def _letter(name: str) -> str:
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 64 64"><rect width="64" height="64" fill="#4a5568"/>'
        '<text x="32" y="44" font-family="sans-serif" font-size="36" fill="#fff" text-anchor="middle">'
        f"{escape(name[:1].upper() or '?')}</text></svg>"
    )
