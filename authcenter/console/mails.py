"""All mails that the server sends, to look at in each language, and to have one sent as a test."""

from typing import Any

from django.conf import settings
from django.contrib import messages
from django.contrib.admin import AdminSite
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import translation
from django.utils.http import urlencode
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.sample_mails import SAMPLES, sample


def addresses(site: AdminSite) -> list[URLPattern]:
    """Below /admin/mails/."""

    return [
        path("mails/", site.admin_view(overview), {"site": site}, name="mails"),
        path("mails/<str:name>/", site.admin_view(one), {"site": site}, name="mail"),
    ]


@require_safe
def overview(request: HttpRequest, site: AdminSite) -> HttpResponse:
    language = _language(request)
    rows = [{"name": _name(template), "subject": _sample(request, template, language).subject} for template in SAMPLES]
    return _page(site, request, "console/mails/overview.html", {"title": _("Mails"), "rows": rows}, language)


@require_http_methods(["GET", "HEAD", "POST"])
def one(request: HttpRequest, site: AdminSite, name: str) -> HttpResponse:
    """POST sends it, to the operator's own address and to no other."""
    template = next((known for known in SAMPLES if _name(known) == name), None)
    if template is None:
        raise Http404
    language = _language(request)
    message = _sample(request, template, language)
    if request.method == "POST":
        try:
            message.send()
        except OSError as fault:
            messages.error(request, _("The mail server did not take it: %(fault)s") % {"fault": str(fault)[:200]})
        else:
            messages.success(request, _("Sent to %(email)s.") % {"email": message.to[0]})
        return redirect(f"{reverse('admin:mail', args=[name])}?{urlencode({'language': language})}")
    [(html, _kind)] = message.alternatives
    shown = {"title": message.subject, "name": name, "text": message.body, "html": html, "to": message.to[0]}
    return _page(site, request, "console/mails/one.html", shown, language)


def _page(
    site: AdminSite, request: HttpRequest, template: str, shown: dict[str, Any], language: str
) -> TemplateResponse:
    languages = [(code, translation.get_language_info(code)["name_local"]) for code, _title in settings.LANGUAGES]
    context = {**site.each_context(request), **shown, "language": language, "languages": languages}
    return TemplateResponse(request, template, context)


def _sample(request: HttpRequest, template: str, language: str) -> Any:
    user: Any = request.user
    return sample(template, user.email, language, user.zoneinfo)


def _language(request: HttpRequest) -> str:
    asked = request.POST.get("language") or request.GET.get("language", "")
    return asked if asked in dict(settings.LANGUAGES) else translation.get_language() or settings.LANGUAGE_CODE


def _name(template: str) -> str:
    return template.rpartition("/")[2].replace("_", "-")
