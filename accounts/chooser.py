"""/accounts/choose/: which of the accounts of this browser to go on with, another one, or none."""

from allauth.account.adapter import get_adapter
from django.contrib import messages
from django.db import transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_POST

from accounts import parked
from accounts.models import User
from accounts.pages import asked_key
from accounts.remembering import forget_address, known_address
from accounts.sign_in import WAITING, current_session


@require_http_methods(["GET", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """A GET shows them; a POST goes on with one. `login_hint` is whom the application means: she comes first."""
    if request.method == "POST":
        return _chosen(request, request.POST.get("sid", ""))
    shown = parked.accounts(request)
    if not shown:
        return redirect(_step("account_login", request))
    hint = request.GET.get("login_hint", "").strip().lower()
    shown.sort(key=lambda account: account.user.email.lower() != hint)
    context = {
        "accounts": shown,
        "hint": hint,
        "full": len(shown) >= parked.MOST,
        "redirect_field_value": _onward(request),
    }
    return render(request, "account/choose.html", context)


@require_POST
def another(request: HttpRequest) -> HttpResponse:
    """The sign-in page, for somebody else; whoever is there stays signed in."""
    if len(parked.accounts(request)) >= parked.MOST:
        messages.error(
            request,
            ngettext(
                "A browser keeps %(most)s account at most. Remove it first.",
                "A browser keeps %(most)s accounts at most. Remove one first.",
                parked.MOST,
            )
            % {"most": parked.MOST},
        )
        return redirect(_step("account-choose", request))
    parked.park(request)
    return redirect(_step("account_login", request))


@require_POST
@transaction.atomic
def remove(request: HttpRequest) -> HttpResponse:
    """Signs one account out, and takes its name from the list."""
    sid, here = request.POST.get("sid", ""), current_session(request)
    whose = next((account.user.email for account in parked.accounts(request) if account.sid == sid), "")
    if here is not None and sid == str(here.pk):
        get_adapter().logout(request)
    else:
        _of_this_browser(request, sid)
        parked.remove(request, sid)
    messages.success(request, _("The account is removed from this browser."))
    response = redirect(_step("account-choose", request))
    if whose == known_address(request):
        forget_address(response)
    return response


@require_POST
@transaction.atomic
def sign_out_all(request: HttpRequest) -> HttpResponse:
    adapter = get_adapter()
    if current_session(request) is not None:
        adapter.logout(request)
    parked.remove_all(request)
    return redirect(adapter.get_logout_redirect_url(request))


def _chosen(request: HttpRequest, sid: str) -> HttpResponse:
    here = current_session(request)
    if here is not None and sid == str(here.pk):
        user = here.user
    else:
        _of_this_browser(request, sid)
        whose = next((account.user for account in parked.accounts(request) if account.sid == sid), None)
        found = parked.resume(request, sid)
        if found is None:
            parked.park(request)
            return redirect(_step("account_login", request, login_hint=whose.email if whose else ""))
        user = found
    _tell(request, user)
    return redirect(_onward(request) or reverse("account"))


def _of_this_browser(request: HttpRequest, sid: str) -> None:
    if not parked.holds(request, sid):
        raise Http404


def _tell(request: HttpRequest, user: User) -> None:
    """The application's request that led here: this person was chosen for it. It is not asked again."""
    key, waiting = asked_key(_onward(request)), request.session.get(WAITING) or {}
    if key in waiting:
        request.session[WAITING] = {**waiting, key: {**waiting[key], "chosen": str(user.pk)}}


def _onward(request: HttpRequest) -> str:
    """Where `next` leads, if that is here; never what was given unchecked."""
    onward = request.POST.get("next") or request.GET.get("next") or ""
    return onward if get_adapter().is_safe_url(onward) else ""


def _step(view: str, request: HttpRequest, **query: str) -> str:
    asked = {name: value for name, value in {"next": _onward(request), **query}.items() if value}
    return f"{reverse(view)}?{urlencode(asked)}" if asked else reverse(view)
