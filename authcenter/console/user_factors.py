"""A person's second factors on her page in the console: what she has, and taking it away where she has lost it."""

from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts import factors, policy, recovery_codes, trusted_browsers
from accounts.models import User
from authcenter.console import receipts
from authcenter.console.confirm import confirmation, is_confirmed
from authcenter.sessions.revocation import Kind


def told(user: User) -> str:
    """For example “Authenticator app (since 1 May 2027), 7 recovery codes, 1 trusted browser”."""
    said = [
        _("%(factor)s (since %(day)s)") % {"factor": factors.name_of(factor), "day": date_format(factor.created_at)}
        for factor in factors.of(user)
    ]
    if codes := recovery_codes.left(user):
        said.append(ngettext("%(count)s recovery code", "%(count)s recovery codes", codes) % {"count": codes})
    if browsers := trusted_browsers.living(user).count():
        said.append(ngettext("%(count)s trusted browser", "%(count)s trusted browsers", browsers) % {"count": browsers})
    if not said:
        return _("none, and must have one") if policy.needs_second_factor(user) else "–"
    return ", ".join(said)


def reset(model_admin: Any, request: HttpRequest, user: User) -> HttpResponse:
    """Asked for first: it is the one way past a second factor, so the operator has to know whom he talks to."""
    if not is_confirmed(request):
        return confirmation(
            request,
            model_admin,
            title=_("Reset second factors"),
            text=_(
                "Authenticator app, passkeys, recovery codes and trusted browsers are removed, and everything that "
                "this person is signed in to ends. A mail tells her. The password stays. Be sure that it is she who "
                "asks: by a call, in person, or through somebody who knows her, never by a mail alone."
            ),
            press=_("Reset"),
            objects=[user],
            hit=[told(user), *model_admin.hit([user])],
            back=model_admin.address_of(user),
        )
    with transaction.atomic():
        User.objects.select_for_update().get(pk=user.pk)
        factors.reset(request, user)
        model_admin.record(request, user, "second factors reset", fields=["second_factors"])
    receipts.told(request, _("%(user)s has no second factor any more.") % {"user": user}, Kind.USER, user.pk)
    return redirect(model_admin.address_of(user))
