"""What pages load of the branding, from this server alone: style sheets made of colours, and the logo."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_safe

from authcenter.branding import colours
from authcenter.branding.models import Branding

_FOR_EVER = "public, max-age=31536000, immutable"


@require_safe
def style(request: HttpRequest, name: str) -> HttpResponse:
    """The address names the colours, so it asks nothing and never changes. Anybody may think of other colours: those
    pass the same check."""
    given = [f"#{one}" for one in name.split("-")]
    if len(given) > 2 or not all(map(colours.is_colour, given)):
        raise Http404
    response = HttpResponse(colours.rules(*given), content_type="text/css; charset=utf-8")
    response["Cache-Control"] = _FOR_EVER
    return response


@require_safe
def logo(request: HttpRequest) -> HttpResponse:
    row = get_object_or_404(Branding.objects.exclude(logo=None), pk=1)
    response = HttpResponse(bytes(row.logo or b""), content_type="image/png")
    response["Cache-Control"] = _FOR_EVER if request.GET.get("v") == row.logo_key else "no-cache"
    response["Content-Security-Policy"] = "default-src 'none'; sandbox"
    return response
