"""Signing in with a code by e-mail: one factor (`amr` otp). The library sends it and keeps it for this browser; here it
is counted, used once, and looks the same for an address that nobody has.
"""

from typing import Any

from allauth.account.forms import ConfirmLoginCodeForm, RequestLoginCodeForm
from allauth.account.internal.stagekit import stash_login, unstash_login
from allauth.account.models import EmailAddress
from allauth.account.stages import LoginStageController
from allauth.account.views import ConfirmLoginCodeView, RequestLoginCodeView
from django import forms
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from accounts.fields import code_field, counted, email_field
from accounts.remembering import remember
from accounts.sign_in_stages import FreshStage
from authcenter import limits


class AskForm(RequestLoginCodeForm):
    """The sign-in page sends what was typed there, too: by a button of its own, the address as `login`."""

    remember = forms.BooleanField(label=_("Keep me signed in for 30 days"), required=False)

    def __init__(self, data: Any = None, *args: Any, **kwargs: Any) -> None:
        if data is not None and "email" not in data and "login" in data:
            data = data.copy()
            data["email"] = data["login"]
        super().__init__(data, *args, **kwargs)
        email_field(self)
        self.fields["email"].widget.attrs["autocomplete"] = "username"


class CodeForm(ConfirmLoginCodeForm):
    email = ""
    browser = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        code_field(self)

    def clean_code(self) -> str:
        return counted(self.email, self._judged)

    def _judged(self) -> str:
        code: str = super().clean_code()
        # Two at the same moment both find the code in the cookie's session; one of them comes first here.
        if limits.taken(limits.once(f"sign-in code {self.browser} {self.expected_code}")):
            raise forms.ValidationError(_("This code was used already. Ask for a new one."), code="used")
        return code


class AskView(RequestLoginCodeView):
    def get_initial(self) -> dict[str, Any]:
        return {**super().get_initial(), "email": self.request.GET.get("login_hint", "")[:254]}

    def form_valid(self, form: AskForm) -> HttpResponse:
        remember(self.request, form.cleaned_data["remember"])
        response: HttpResponse = super().form_valid(form)
        # The library begins in the middle: with the right code a whole sign-in begins anew.
        if (login := unstash_login(self.request, peek=True)) is not None:
            LoginStageController(self.request, login).set_handled(FreshStage.key)
            stash_login(self.request, login)
        return response


class CodeView(ConfirmLoginCodeView):
    request: HttpRequest

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        form.email, form.browser = self._process.state.get("email", ""), self.request.session.session_key
        return form

    def _verify_form_valid(self, form: CodeForm) -> HttpResponse:
        """Whoever signed up with somebody else's address, and never proved it, chose a password that is not hers."""
        user = self._process.user
        if not EmailAddress.objects.filter(user=user, verified=True).exists():
            user.set_unusable_password()
            user.save(update_fields=["password"])
        return super()._verify_form_valid(form)
