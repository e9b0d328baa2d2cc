"""The terms: which version counts, who accepted it, and the page that asks who has not, before her sign-in is whole."""

from allauth.account.internal.decorators import login_stage_required
from allauth.core.internal.httpkit import headed_redirect_response
from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from accounts.admission import Terms, TermsAcceptance
from accounts.models import User
from accounts.sign_in_stages import PageStage
from authcenter.audit import events


def current() -> Terms | None:
    """The newest published version. One statement."""
    return _published().first()


def outstanding(user: User) -> Terms | None:
    """The current version, where this person has not accepted it. One statement."""
    hers = TermsAcceptance.objects.filter(user=user, terms=OuterRef("pk"))
    newest = _published().annotate(is_accepted=Exists(hers)).first()
    return newest if newest is not None and not newest.is_accepted else None


@transaction.atomic
def accept(request: HttpRequest, user: User, terms: Terms) -> None:
    _row, is_new = TermsAcceptance.objects.get_or_create(user=user, terms=terms)
    if is_new:
        events.record(request, events.Kind.TERMS_ACCEPTED, actor=user.pk, subject=user.pk, version=terms.version)


class TermsStage(PageStage):
    """The last: by whatever door she came, and whoever she is by now."""

    key = "terms"
    urlname = "account-terms"

    def handle(self) -> tuple[HttpResponse | None, bool]:
        if self.login.user is None or outstanding(self.login.user) is None:
            return None, True
        return headed_redirect_response(self.urlname), True


@require_http_methods(["GET", "POST"])
@login_stage_required(stage=TermsStage.key, redirect_urlname="account_login")
def ask(request: HttpRequest) -> HttpResponse:
    """/accounts/terms/. A version that was published after the page was shown is asked for on a page of its own."""
    stage = request._login_stage  # type: ignore[attr-defined]
    if stage.is_void:  # changed meanwhile: begin again
        return stage.abort()
    terms = outstanding(stage.login.user)
    if terms is None:
        return stage.exit()
    refused = False
    if request.method == "POST":
        if "decline" in request.POST:
            return stage.abort()
        refused = "terms" not in request.POST
        if not refused and request.POST.get("terms_version") == str(terms.pk):
            accept(request, stage.login.user, terms)
            return stage.exit()
    first = not TermsAcceptance.objects.filter(user=stage.login.user).exists()
    context = {"terms": terms, "user": stage.login.user, "first": first, "refused": refused}
    return render(request, "account/terms.html", context)


@require_safe
def text(request: HttpRequest, pk: int) -> HttpResponse:
    """/accounts/terms/<number>/: what everybody may read."""
    return render(request, "account/terms_text.html", {"terms": get_object_or_404(_published(), pk=pk)})


def _published() -> QuerySet[Terms]:
    return Terms.objects.filter(published__lte=timezone.now()).order_by("-published", "-pk")
