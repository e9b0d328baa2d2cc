"""/account/apps/: what a person has granted, and taking it back."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from accounts.pages import ago, show
from authcenter.audit import events
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.models import Authorization, Scope
from authcenter.oauth.withdrawal import withdraw

PER_PAGE = 20


@login_required
@require_safe
def connected_apps(request: HttpRequest) -> HttpResponse:
    found = Authorization.objects.filter(user=request.user.pk, withdrawn=None).select_related("application")
    if asked := request.GET.get("q", "").replace("\x00", "").strip():
        found = found.filter(application__name__icontains=asked)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    titles = _titles(list(page))
    apps = [{"authorization": row, "scopes": _in_words(row, titles), "used": ago(row.last_used)} for row in page]
    return show(request, "account/home/apps.html", {"page": page, "apps": apps, "q": asked, "here": "apps"})


@login_required
@require_http_methods(["GET", "POST"])
def remove_app(request: HttpRequest, authorization: str) -> HttpResponse:
    """GET says what will happen; POST does it."""
    found = get_object_or_404(
        Authorization.objects.select_related("application"), pk=authorization, user=request.user.pk, withdrawn=None
    )
    if request.method != "POST":
        scopes = _in_words(found, _titles([found]))
        return show(request, "account/home/remove_app.html", {"authorization": found, "scopes": scopes, "here": "apps"})
    with transaction.atomic():
        if withdraw(found.pk, reason="withdrawn by its person"):
            events.record(
                request,
                events.Kind.AUTHORIZATION_WITHDRAWN,
                actor=request.user.pk,
                subject=request.user.pk,
                client_id=found.application.client_id,
                application=found.application.name,
                authorization=found.pk,
            )
    messages.success(request, _("%(app)s has no access any more.") % {"app": found.application.name})
    return redirect("account-apps")


def _titles(rows: list[Authorization]) -> dict[str, Any]:
    names = {name for row in rows for name in row.scopes}
    return {scope.name: scope.shown_title for scope in Scope.objects.filter(name__in=names)}


def _in_words(row: Authorization, titles: dict[str, Any]) -> list[Any]:
    return [
        scope_rules.IDENTITY[name].title if name in scope_rules.IDENTITY else titles.get(name, name)
        for name in row.scopes
    ]
