"""How the library's forms are dressed: labels, hints, focus, and the count of guesses at a mailed code."""

from collections.abc import Callable

from allauth.core import context
from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxLengthValidator
from django.utils.translation import gettext_lazy as _

from accounts.adapter import too_many
from authcenter import limits
from authcenter.audit import events

LONGEST_PASSWORD = 1024
PASSWORD_RULE = _("At least 10 characters. A few words that only you would put together.")


class OnceInput(forms.TextInput):
    """For a code: what was typed is not shown again."""

    def format_value(self, value: object) -> None:
        return None


def plain(form: forms.Form) -> None:
    """Every field has a label; a placeholder says it again, in a colour that is hard to read."""
    for field in form.fields.values():
        field.widget.attrs.pop("placeholder", None)
        if isinstance(field.widget, forms.PasswordInput):
            # Refused before it is hashed. No `maxlength` in the page: it would cut what is pasted, and say nothing.
            field.validators.append(MaxLengthValidator(LONGEST_PASSWORD))


def email_field(form: forms.Form) -> None:
    plain(form)
    form.fields["email"].label = _("E-mail address")
    form.fields["email"].widget.attrs.update({"autofocus": True, "autocapitalize": "none", "spellcheck": "false"})


def code_field(form: forms.Form) -> None:
    plain(form)
    form.fields["code"].widget.attrs.update({"autofocus": True, "autocapitalize": "characters", "spellcheck": "false"})


def new_password(form: forms.Form) -> None:
    """Labels as the sign-up page has them; the rule for a new password as one sentence."""
    plain(form)
    labels = {
        "oldpassword": _("Present password"),
        "password1": _("New password"),
        "password2": _("New password again"),
    }
    for name, label in labels.items():
        if name in form.fields:
            form.fields[name].label = label
            form.fields[name].help_text = ""
    form.fields["password1"].help_text = PASSWORD_RULE
    form.fields[next(iter(form.fields))].widget.attrs["autofocus"] = True


def counted_code(state_key: str, judge: Callable[[], str]) -> str:
    """The guess at a mailed code whose address the cookie's session has under this key."""
    return counted(str((context.request.session.get(state_key) or {}).get("email", "")), judge)


def counted(email: str, judge: Callable[[], str]) -> str:
    """Count a mailed code's guess for its address before it is judged; the library counts for one browser only."""
    request = context.request
    windows = limits.mailed_code(request, email)
    if wait := limits.taken(windows):
        events.record(request, events.Kind.LIMIT_REACHED, limit="mailed_code", email=email)
        raise too_many(wait)
    try:
        code = judge()
    except ValidationError:
        events.record(request, events.Kind.CODE_REFUSED, email=email)
        raise
    limits.given_back(windows)
    return code
