"""/account/apps/: what a person has granted, and taking it back."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.paginator import Paginator
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from accounts.device import device_name
from accounts.pages import ago, show
from authcenter.audit import events
from authcenter.oauth import scopes as scope_rules
from authcenter.oauth.models import Authorization, Family, Grant, Scope
from authcenter.oauth.withdrawal import withdraw

PER_PAGE = 20


@login_required
@require_safe
def connected_apps(request: HttpRequest) -> HttpResponse:
    found = _with_use(Authorization.objects.filter(user=request.user.pk, withdrawn=None).select_related("application"))
    if asked := request.GET.get("q", "").replace("\x00", "").strip():
        found = found.filter(application__name__icontains=asked)
    page = Paginator(found, PER_PAGE).get_page(request.GET.get("page"))
    titles = _titles(list(page))
    apps = [_described(row, titles) for row in page]
    return show(request, "account/home/apps.html", {"page": page, "apps": apps, "q": asked, "here": "apps"})


@login_required
@require_http_methods(["GET", "POST"])
def remove_all(request: HttpRequest) -> HttpResponse:
    """GET says what will happen; POST withdraws one after the other, each in a transaction of its own."""
    found = Authorization.objects.filter(user=request.user.pk, withdrawn=None).select_related("application")
    if request.method != "POST":
        return show(request, "account/home/remove_all_apps.html", {"count": found.count(), "here": "apps"})
    count = 0
    for row in found:
        with transaction.atomic():
            count += _withdrawn(request, row)
    messages.success(
        request,
        ngettext("%(count)s app has no access any more.", "%(count)s apps have no access any more.", count)
        % {"count": count},
    )
    return redirect("account-apps")


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
        _withdrawn(request, found)
    messages.success(request, _("%(app)s has no access any more.") % {"app": found.application.name})
    return redirect("account-apps")


def _withdrawn(request: HttpRequest, row: Authorization) -> bool:
    if not withdraw(row.pk, reason="withdrawn by its person"):
        return False
    events.record(
        request,
        events.Kind.AUTHORIZATION_WITHDRAWN,
        actor=request.user.pk,
        subject=request.user.pk,
        client_id=row.application.client_id,
        application=row.application.name,
        authorization=row.pk,
    )
    return True


def _with_use(rows: QuerySet[Authorization]) -> QuerySet[Authorization]:
    """Whether an application holds a living refresh token, one that outlives the sign-in too, and by which browser the
    person came last. One statement with the rows themselves."""
    living = Family.objects.filter(
        authorization=OuterRef("pk"),
        ended=None,
        expires__gt=timezone.now(),
        user_epoch=F("user__epoch"),
        application_epoch=F("application__epoch"),
    )
    last = Grant.objects.filter(authorization=OuterRef("pk")).order_by("-created")
    return rows.annotate(
        in_use=Exists(living),
        when_away=Exists(living.filter(offline=True)),
        by_browser=Subquery(last.values("session__user_agent")[:1]),
    )


def _described(row: Any, titles: dict[str, Any]) -> dict[str, Any]:
    return {
        "authorization": row,
        "scopes": _in_words(row, titles),
        "used": ago(row.last_used),
        "device": device_name(row.by_browser) if row.by_browser else "",
    }


def _titles(rows: list[Authorization]) -> dict[str, Any]:
    names = {name for row in rows for name in row.scopes}
    return {scope.name: scope.shown_title for scope in Scope.objects.filter(name__in=names)}


def _in_words(row: Authorization, titles: dict[str, Any]) -> list[Any]:
    return [
        scope_rules.IDENTITY[name].title if name in scope_rules.IDENTITY else titles.get(name, name)
        for name in row.scopes
    ]
