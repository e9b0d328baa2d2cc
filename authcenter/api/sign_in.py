"""The password of a first-party app's sign-in, judged at the same door as on the web: one count, one audit log."""

from allauth.account.adapter import get_adapter
from allauth.account.models import EmailAddress
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from accounts import terms
from accounts.models import User
from accounts.organisation_sign_in import REFUSED
from authcenter.api.problems import EmailNotVerified, TermsNotAccepted, TooManyAttempts, WrongCredentials
from authcenter.audit import events


def person(request: HttpRequest, email: str, password: str) -> User:
    """Whose address and password these are. Raises the problem that the caller hears; the adapter counts and audits.

    Alike in text and time, and one hash, for a wrong password, an unknown address and a disabled account.
    """
    try:
        user: User | None = get_adapter(request).authenticate(request, email=email, password=password)
    except ValidationError as error:
        if error.code == REFUSED:
            raise WrongCredentials from None
        raise TooManyAttempts(wait=(error.params or {}).get("wait", 60)) from None
    if user is None or not user.is_active:
        raise WrongCredentials
    if not EmailAddress.objects.filter(user=user, email__iexact=user.email, verified=True).exists():
        events.record(request, events.Kind.SIGN_IN_REFUSED, subject=user.pk, reason="e-mail address not verified")
        raise EmailNotVerified
    if terms.outstanding(user) is not None:
        events.record(request, events.Kind.SIGN_IN_REFUSED, subject=user.pk, reason="terms not accepted")
        raise TermsNotAccepted
    return user
