"""Who is there? `request.user` and `request.sign_in` from the cookie and its `Session` row, in one statement.

A cookie is worth what its row says: an ended, expired or idle session, a raised epoch, a disabled or changed account
and a password that was changed elsewhere make the browser a stranger again, at its next request.
"""

import uuid
from datetime import timedelta
from typing import Any

from allauth.account.authentication import get_authentication_records
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.middleware import AuthenticationMiddleware
from django.contrib.auth.models import AnonymousUser
from django.db.models import UUIDField
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from django.utils.functional import SimpleLazyObject

from accounts.models import User
from authcenter.audit import events
from authcenter.prepared import Prepared, Slot
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_all_but

SID = "sid"
"""Key of the session's id in the cookie session's data."""

WAITING = "authorize"
"""Key of the authorization requests that wait for whoever signs in (`authcenter/oauth/pending.py`)."""

PARKED = "parked"
"""Key of the other accounts' sign-ins of this browser (`accounts/parked.py`)."""

ACR_ONE = "urn:authcenter:acr:1"
"""One factor: a password, a mailed code, or what another provider says."""

ACR_TWO = "urn:authcenter:acr:2"
"""Two factors."""

ACR_PASSKEY = "phr"
"""A passkey whose device has verified its user: two factors, and none that can be phished (OpenID EAP ACR Values)."""

ACRS = (ACR_ONE, ACR_TWO, ACR_PASSKEY)
"""From the weakest to the strongest; each is as good as those before it."""

_METHODS = {
    "password": ["pwd"],
    "code": ["otp"],
    "password_reset": ["otp"],
    "signup": ["pwd"],
    "socialaccount": ["fed"],
}
_SEEN_EVERY = timedelta(minutes=1)


class SignInMiddleware(AuthenticationMiddleware):
    """Takes the place of Django's: the lookup happens when somebody asks for `request.user`."""

    def process_request(self, request: HttpRequest) -> None:
        request.user = SimpleLazyObject(lambda: _person(request))  # type: ignore[assignment]


def current_session(request: HttpRequest) -> Session | None:
    """The living sign-in session of this browser, or None. One statement a request, whoever asks how often."""
    kept = request.__dict__
    if "_sign_in" not in kept:
        kept["_sign_in"] = _found(request)
    found: Session | None = kept["_sign_in"]
    return found


def forget_current_session(request: HttpRequest) -> None:
    """The cookie changed hands (sign-in, sign-out): look again."""
    request.__dict__.pop("_sign_in", None)


def end_everything_else(request: HttpRequest, user: User, *, reason: str) -> int:
    """Everything of this person but the sign-in of this browser, whose cookie is made anew: it may have been copied.

    How many other sign-ins that ended. Call it in the act's transaction.
    """
    here = current_session(request)
    ended = end_all_but(here.pk if here else None, user.pk, reason=reason)
    user.refresh_from_db(fields=["epoch"])
    request.session.cycle_key()
    forget_current_session(request)
    return ended


def is_good(session: Session, password_hash: str) -> bool:
    """Whether a sign-in holds by its row, its person and the hash (of her password) that the cookie's session kept."""
    user: User = session.user
    if not session.is_alive or not user.is_active or user.epoch != session.user_epoch:
        return False
    # The fallbacks: a new SECRET_KEY signs nobody out while the old one is among SECRET_KEY_FALLBACKS.
    hashes = (user.get_session_auth_hash(), *user.get_session_auth_fallback_hash())
    return any(constant_time_compare(password_hash, good) for good in hashes)


def unanswered(request: HttpRequest) -> dict[str, Any]:
    """The requests of applications that wait, for whoever comes: what one person answered is no answer of the next."""
    waiting = request.session.get(WAITING) or {}
    return {key: {**entry, "shown_to": "", "consented": False} for key, entry in waiting.items()}


def authentication(request: HttpRequest, user: User) -> dict[str, Any]:
    """How and when this person last proved who she is: `auth_time` (epoch seconds), `amr` (RFC 8176) and `acr`.

    The library's records since the sign-in began (`FreshStage` drops older ones). What another provider says of its
    own factors is not believed. A key that stands alone is two factors only where it has verified its user.
    """
    amr: list[str] = []
    at, strongest = 0.0, ACR_ONE
    for entry in get_authentication_records(request, user):
        at = max(at, float(entry.get("at", 0)))
        if entry.get("method") != "mfa":
            amr += _METHODS.get(str(entry.get("method")), [])
        elif entry.get("type") != "webauthn":
            amr += ["otp", "mfa"]
            strongest = max(strongest, ACR_TWO, key=ACRS.index)
        elif entry.get("passwordless"):
            amr += ["pop", "user", "mfa"]
            strongest = ACR_PASSKEY
        else:
            amr += ["pop", "user", "mfa"]
            strongest = max(strongest, ACR_TWO, key=ACRS.index)
    return {"auth_time": at, "amr": list(dict.fromkeys(amr)), "acr": strongest}


def as_it_is(user: User) -> str:
    """Password, address and epoch in one value: what was begun before one of them changed is void."""
    value = f"{user.password}\n{user.email}\n{user.epoch}\n{user.is_active}"
    return salted_hmac("accounts.as_it_is", value, algorithm="sha256").hexdigest()


def is_as_good_as(acr: str, wanted: str) -> bool:
    """Whether a sign-in of class `acr` is at least of the class `wanted`. Classes that are not ours are never met."""
    return acr in ACRS and wanted in ACRS and ACRS.index(acr) >= ACRS.index(wanted)


def is_below_her_best(session: Session) -> bool:
    """Whether this is a sign-in with one factor of somebody who has two: not enough for what only she may do."""
    if is_as_good_as(session.acr, ACR_TWO):
        return False
    return Authenticator.objects.filter(user=session.user_id).exists()


def proved_again(request: HttpRequest, user: User) -> None:
    """Somebody who is signed in has just proved again who she is: the session's row says how and when.

    The cookie is made anew: one that was taken before must not rise with this one.
    """
    request.session.cycle_key()
    if (session := current_session(request)) is None:
        return
    how = authentication(request, user)
    Session.objects.filter(pk=session.pk).update(auth_time=timezone.now(), amr=how["amr"], acr=how["acr"])
    forget_current_session(request)  # what waited for this goes on within this very request
    events.record(request, events.Kind.REAUTHENTICATED, actor=user.pk, subject=session.pk, amr=how["amr"])


def _person(request: HttpRequest) -> User | AnonymousUser:
    session = current_session(request)
    return session.user if session is not None else AnonymousUser()


_sessions = Prepared(lambda: Session.objects.select_related("user").filter(pk=Slot("sid", UUIDField())))


def _found(request: HttpRequest) -> Session | None:
    sid, stored_user = request.session.get(SID), request.session.get(SESSION_KEY)
    if not sid or not stored_user:
        return None
    session: Session | None = _sessions.first(sid=uuid.UUID(sid))
    if (
        session is None
        or str(session.user_id) != stored_user
        or not is_good(session, request.session.get(HASH_SESSION_KEY, ""))
    ):
        _forget(request)
        return None
    session.user.backend = settings.AUTHENTICATION_BACKENDS[0]
    now = timezone.now()
    if now - session.last_seen > _SEEN_EVERY:
        Session.objects.filter(pk=session.pk).update(last_seen=now)
    return session


def _forget(request: HttpRequest) -> None:
    """An ended sign-in leaves nothing to the next person in the cookie's session, but for what an application asked,
    and for the other accounts of this browser: among them the ended one is named, for who signs in to it again.

    What is left would be swept at the next sign-in, together with what that one has written by then.
    """
    waiting, parked = unanswered(request), request.session.get(PARKED)
    sid, user = request.session.get(SID), request.session.get(SESSION_KEY)
    request.session.flush()
    if waiting:
        request.session[WAITING] = waiting
    if parked:
        request.session[PARKED] = [*parked, {"sid": sid, "user": user, "remembered": True, "proof": {}}]
