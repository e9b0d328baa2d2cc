"""The second step of `POST /api/token/`: what `mfa_token` stands for, and what it takes to exchange it for a session.

The token is random and kept as a hash. It lives five minutes, takes five codes, is for one person with her account as
it was when the password was judged, and is good once.
"""

import hashlib
import secrets
from datetime import timedelta

from django.core.exceptions import ValidationError
from django.db.models import F
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare

from accounts import factors, policy, second_factor
from accounts.models import HalfSignIn, User
from accounts.sign_in import as_it_is
from authcenter.api.problems import EnrolmentRequired, SecondFactorRequired, TokenNotValid, TooManyAttempts, WrongCode

LIVES = timedelta(minutes=5)
ATTEMPTS = 5


def asked_for(user: User) -> None:
    """Raises the problem that asks for the second factor where she has one, or must have one and has none."""
    ways = second_factor.ways(user)
    if not ways and policy.needs_second_factor(user):
        raise EnrolmentRequired
    if not factors.has_any(user):
        return
    token = secrets.token_urlsafe(32)
    HalfSignIn.objects.create(digest=_digest(token), user=user, account=as_it_is(user), expires=timezone.now() + LIVES)
    raise SecondFactorRequired(token, ways, int(LIVES.total_seconds()))


def proved(request: HttpRequest, token: str, code: str) -> tuple[User, list[str]]:
    """The person, and how her second factor was proved (`amr`). Raises the problem that the caller hears."""
    digest = _digest(token)
    waiting = HalfSignIn.objects.filter(digest=digest, expires__gt=timezone.now(), attempts__lt=ATTEMPTS)
    if not waiting.update(attempts=F("attempts") + 1):  # counted before it is judged
        raise TokenNotValid
    row = HalfSignIn.objects.select_related("user").filter(digest=digest).first()
    if row is None or not row.user.is_active or not constant_time_compare(row.account, as_it_is(row.user)):
        raise TokenNotValid
    try:
        second_factor.prove(request, row.user, code)
    except ValidationError as error:
        if error.code == "incorrect_code":
            raise WrongCode from None
        raise TooManyAttempts(wait=(error.params or {}).get("wait", 60)) from None
    gone, _rows = HalfSignIn.objects.filter(digest=digest).delete()
    if not gone:  # the same token with two good codes at once
        raise TokenNotValid
    return row.user, ["pwd", "otp", "mfa"]


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()
