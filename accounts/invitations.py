"""Who may sign up: anybody, whoever is invited, or nobody (`SIGN_UP`). An invitation is a link in a mail; who follows
it has proved the mailbox, so her address is fixed and counts as verified.
"""

import secrets
from collections.abc import Iterable

from allauth.account.adapter import get_adapter
from django.conf import settings
from django.contrib import messages
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from accounts import letters, organisations
from accounts.admission import INVITED_FOR, Invitation
from accounts.alerts import hash_of
from accounts.models import User
from authcenter.audit import events

_KEY = "invited"


class Gone(Exception):
    """The invitation was used, withdrawn or outlived meanwhile."""


def invite(request: HttpRequest, email: str, by: User) -> Invitation:
    """Send one more; it makes the earlier ones to this address void. In a transaction: the mail goes after it."""
    email, token = email.strip().lower(), secrets.token_urlsafe(32)
    _open().filter(email__iexact=email).delete()
    made = Invitation.objects.create(email=email, token_hash=hash_of(token), invited_by=by)
    events.record(request, events.Kind.INVITED, actor=by.pk, subject=made.pk, email=email)
    told = {
        "inviter": letters.harmless(by.name or by.given_name),
        "days": INVITED_FOR.days,
        "action_url": settings.ISSUER + reverse("account-sign-up-invitation", args=[token]),
    }
    message = letters.compose("account/email/invitation", email, told)
    transaction.on_commit(message.send)
    return made


def is_invited(email: str) -> bool:
    """To this server, or to an organisation."""
    return _open().filter(email__iexact=email.strip()).exists() or organisations.is_invited(email)


def may_sign_up(request: HttpRequest, email: str = "") -> bool:
    """Whether the sign-up page is open to this browser; or to `email`, for who has proved that it is hers."""
    if settings.SIGN_UP != "invitation":
        return bool(settings.SIGN_UP == "open")
    proved = email or address(request)
    return bool(proved) and is_invited(proved)


def address(request: HttpRequest) -> str:
    """To which this browser came by the link of a mail, or empty."""
    return str(request.session.get(_KEY, ""))


def came(request: HttpRequest, email: str) -> None:
    """By the link of a mail to this address: signing up needs no other proof of it."""
    request.session[_KEY] = email
    get_adapter().stash_verified_email(request, email)


def closed(request: HttpRequest) -> HttpResponse:
    """The page for who may not sign up."""
    context = {"by_invitation": settings.SIGN_UP == "invitation"}
    return render(request, "account/signup_closed.html", context, status=403)


def accept(request: HttpRequest, user: User, *, admitted: bool = False) -> None:
    """Use up what invited this new account, in its transaction. Raises `Gone` where nothing does and one has to be;
    whom an organisation `admitted` by its own sign-in has not."""
    used = _open().filter(email__iexact=user.email).update(accepted=timezone.now())
    if used:
        events.record(request, events.Kind.INVITATION_ACCEPTED, actor=user.pk, subject=user.pk)
    elif settings.SIGN_UP == "invitation" and not admitted and not organisations.is_invited(user.email):
        raise Gone
    request.session.pop(_KEY, None)


@require_safe
def invitation(request: HttpRequest, token: str) -> HttpResponse:
    """/accounts/invitation/<token>/: nothing happens yet, so a program that reads mails may look, too."""
    found = _open().filter(token_hash=hash_of(token)).first()
    if found is None or settings.SIGN_UP == "closed":
        return render(request, "account/invitation_gone.html", status=404)
    if User.objects.filter(email=found.email.lower()).exists():
        messages.info(request, _("You have an account already: sign in."))
        return redirect(f"{reverse('account_login')}?{urlencode({'login_hint': found.email})}")
    if request.user.is_authenticated:
        messages.error(request, _("You are signed in as somebody else. Use another account, then open the link again."))
        return redirect("account-choose")
    came(request, found.email)
    return redirect("account_signup")


def invite_all(request: HttpRequest, emails: Iterable[str], by: User) -> list[Invitation]:
    """All or none."""
    with transaction.atomic():
        return [invite(request, email, by) for email in emails]


def _open() -> QuerySet[Invitation]:
    return Invitation.objects.filter(accepted=None, expires__gt=timezone.now())
