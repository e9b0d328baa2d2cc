"""The sign-in page: django-allauth's view, the way on where a sign-in is half done, and the page for a lost cookie."""

from typing import Any

from allauth.account.internal.stagekit import stash_login
from allauth.account.stages import LoginStage
from allauth.account.views import LoginView, SignupByPasskeyView, SignupView
from django.core.exceptions import SuspiciousOperation
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.http.multipartparser import MultiPartParserError
from django.middleware.csrf import REASON_BAD_ORIGIN, REASON_BAD_REFERER
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from accounts import invitations, kept_page, organisation_sign_in, parked
from accounts.forms import SignInForm
from accounts.remembering import forget_address, known_address


class SignInView(LoginView):
    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        return kept_page.answer(request, lambda: super(SignInView, self).get(request, *args, **kwargs))

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        context = super().get_context_data(**kwargs)
        typed = str(context["form"]["login"].value() or "")
        return {
            **context,
            "others": parked.any_parked(self.request),
            "welcome": typed if typed and typed == known_address(self.request) else "",
            "own_provider": organisation_sign_in.shown(self.request, typed),
            "own_email": typed if "@" in typed else "",
            "organisations_sign_in": organisation_sign_in.any_is_there,
        }

    def _redirect_to_pending_stage(self, request: HttpRequest, stage: LoginStage) -> HttpResponseBase:
        """Half signed in, she comes from another application: it is the newer one that she wants to go to."""
        onward = self.get_next_url()
        if onward:
            stage.login.redirect_url = onward
            stash_login(request, stage.login)
        response = super()._redirect_to_pending_stage(request, stage)
        response["Location"] = self.passthrough_next_url(response["Location"])
        return response

    def offered_again(self, email: str) -> HttpResponse:
        """The page with nothing typed but the address."""
        form = SignInForm(request=self.request, initial={"login": email[:254]})
        context = self.get_context_data(form=form, stale=True)
        return render(self.request, "account/login.html", context, status=403)


@require_POST
def forget(request: HttpRequest) -> HttpResponse:
    """“Not you?”: this browser knows no address any more."""
    view = SignInView()
    view.setup(request)
    response = redirect(view.passthrough_next_url(reverse("account_login")))
    forget_address(response)
    return response


class SignUpView(SignupView):
    def closed(self) -> HttpResponse:
        return invitations.closed(self.request)


class SignUpByPasskeyView(SignUpView, SignupByPasskeyView):
    """The same for who will have no password."""


def stale_form(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form without the cookie that belongs to it: it was lost, or changed when somebody signed in in another tab.

    Who is signed in by now goes on to where the form would have led; who is not finds her address still there. What
    another site sent is refused and no more.
    """
    if request.path in {reverse("account_login"), reverse("mfa_login_webauthn")} and not _foreign(reason):
        field = "login" if request.path == reverse("account_login") else "credential"
        try:
            sent = request.POST[field]
        except (KeyError, ValueError, SuspiciousOperation, MultiPartParserError):  # none of our forms, or half of one
            return _refused(request)
        view = SignInView()
        view.setup(request)
        if request.user.is_authenticated:
            return redirect(view.get_authenticated_redirect_url())
        return view.offered_again(sent if field == "login" else "")
    return _refused(request)


def _refused(request: HttpRequest) -> HttpResponse:
    return render(request, "403_csrf.html", status=403)


def _foreign(reason: str) -> bool:
    starts = (REASON_BAD_ORIGIN.partition("%s")[0], REASON_BAD_REFERER.partition("%s")[0])
    return reason.startswith(starts)
