"""Several accounts in one browser: the sign-ins that wait in the cookie's session while another one is the current.

Each is a `Session` row of its own. What proves it (its person, her password's hash, how she signed in) is set aside as
it was and comes back as it was, so switching makes nobody's sign-in younger or stronger; all else that the cookie's
session knew of one person goes before the next one is there. Each is judged by its row like the current one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from allauth.account.internal.flows.login import (
    _AUTHENTICATION_METHODS_USER_SESSION_KEY as RECORDS_OF,
)
from allauth.account.internal.flows.login import AUTHENTICATION_METHODS_SESSION_KEY as RECORDS
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from accounts import signing_out
from accounts.models import User
from accounts.remembering import is_remembered, remember
from accounts.sign_in import PARKED, SID, WAITING, current_session, forget_current_session, is_good, unanswered
from authcenter.audit import events
from authcenter.sessions import participants
from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_session

MOST = 5
"""Accounts in one browser."""

_PROOF = (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY, SID)


@dataclass
class Account:
    """One line of the chooser."""

    sid: str
    user: User
    current: bool
    alive: bool
    """Whether it can be gone on with; else one signs in again."""


def any_parked(request: HttpRequest) -> bool:
    return bool(request.session.get(PARKED))


def holds(request: HttpRequest, sid: str) -> bool:
    return bool(sid) and any(entry["sid"] == sid for entry in _parked(request))


def accounts(request: HttpRequest) -> list[Account]:
    """The current one, then those that wait, newest first. One statement for all that wait."""
    here = current_session(request)
    found = [Account(str(here.pk), here.user, current=True, alive=True)] if here is not None else []
    rows = _rows([entry["sid"] for entry in _parked(request)])
    for entry in reversed(_parked(request)):
        session = rows.get(entry["sid"])
        if session is not None and session.user.is_active:
            found.append(Account(entry["sid"], session.user, current=False, alive=_lives(entry, session)))
    return found


def living(request: HttpRequest) -> list[User]:
    """Whom one could switch to, without a password."""
    return [account.user for account in accounts(request) if account.alive and not account.current]


def park(request: HttpRequest) -> None:
    """Set the current sign-in aside: the browser is a stranger's until somebody else is there."""
    session = current_session(request)
    waits = _parked(request)
    if session is not None:
        waits = [*waits, _entry(request, session)]
    list(messages.get_messages(request))  # they were for whoever was there
    waiting = unanswered(request)
    request.session.clear()
    request.session.update({PARKED: waits, WAITING: waiting})
    settle(request)
    _changed_hands(request)


def make_room(request: HttpRequest, user: User) -> None:
    """Before `user` signs in: whoever is there is set aside, and her own earlier sign-in of this browser ends."""
    session = current_session(request)
    if session is not None and session.user_id != user.pk:
        proof = {key: request.session[key] for key in (RECORDS, RECORDS_OF) if key in request.session}
        remembered = is_remembered(request)
        park(request)
        request.session.update(proof if proof.get(RECORDS_OF) == str(user.pk) else {})
        remember(request, remembered)
    for entry in _parked(request):
        if entry["user"] == str(user.pk):
            _dropped(request, entry["sid"], reason="signed in again")
    for entry in _parked(request)[: 1 - MOST]:
        _dropped(request, entry["sid"], reason="too many accounts in one browser")


def resume(request: HttpRequest, sid: str) -> User | None:
    """Switch to a sign-in of this browser: its person, or None where it is over and she has to sign in again.

    Raises `LookupError` for a sign-in that is not of this browser.
    """
    entry = next((entry for entry in _parked(request) if entry["sid"] == sid), None)
    if entry is None:
        raise LookupError(sid)
    session = _rows([sid]).get(sid)
    if session is None or not _lives(entry, session):
        return None
    park(request)
    request.session[PARKED] = [other for other in _parked(request) if other["sid"] != sid]
    request.session.update(entry["proof"])
    settle(request, remembered=session.remembered)
    request.session.cycle_key()
    _changed_hands(request)
    request.user = session.user
    return session.user


def remove(request: HttpRequest, sid: str) -> None:
    """Sign one out that waits. Raises `LookupError` for a sign-in that is not of this browser."""
    if not holds(request, sid):
        raise LookupError(sid)
    hearers = participants.hearers(sid)
    _dropped(request, sid, reason="signed out")
    signing_out.begin(request, sid, hearers)


def remove_all(request: HttpRequest) -> None:
    for entry in _parked(request):
        remove(request, entry["sid"])


def kept_over(request: HttpRequest, act: Callable[[], Any]) -> None:
    """Run the sign-out of the current one, which empties the cookie's session; those that wait go on waiting."""
    waits = _parked(request)
    act()
    if waits:
        request.session[PARKED] = waits
        settle(request)


def settle(request: HttpRequest, *, remembered: bool = True) -> None:
    """The one cookie lives on after the browser closes only where each sign-in in it may."""
    lasts = remembered and all(entry["remembered"] for entry in _parked(request))
    request.session.set_expiry(settings.SESSION_COOKIE_AGE if lasts else 0)


def _parked(request: HttpRequest) -> list[dict[str, Any]]:
    entries: list[dict[str, Any]] = request.session.get(PARKED) or []
    return entries


def _entry(request: HttpRequest, session: Session) -> dict[str, Any]:
    proof = {key: request.session[key] for key in _PROOF}
    if request.session.get(RECORDS_OF) == str(session.user_id):
        proof |= {RECORDS: request.session[RECORDS], RECORDS_OF: request.session[RECORDS_OF]}
    return {
        "sid": str(session.pk),
        "user": str(session.user_id),
        "remembered": session.remembered,
        "proof": proof,
    }


def _rows(sids: list[str]) -> dict[str, Session]:
    if not sids:
        return {}
    return {str(row.pk): row for row in Session.objects.select_related("user").filter(pk__in=sids)}


def _lives(entry: dict[str, Any], session: Session) -> bool:
    proof = entry["proof"]
    if str(session.user_id) != entry["user"] or proof.get(SESSION_KEY) != entry["user"]:
        return False
    return is_good(session, proof[HASH_SESSION_KEY])


def _dropped(request: HttpRequest, sid: str, *, reason: str) -> None:
    entry = next(entry for entry in _parked(request) if entry["sid"] == sid)
    request.session[PARKED] = [other for other in _parked(request) if other["sid"] != sid]
    if end_session(sid, reason=reason):
        events.record(request, events.Kind.SIGNED_OUT, actor=entry["user"], subject=sid)


def _changed_hands(request: HttpRequest) -> None:
    rotate_token(request)
    forget_current_session(request)
    request.user = AnonymousUser()
