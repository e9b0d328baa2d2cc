"""Challenges of WebAuthn ceremonies: nothing is stored when one is made, and each is good once.

A challenge is a random value and the time, under a MAC that names the ceremony, the browser and the person. So a
visitor who only looks at the sign-in page costs no row; and an answer is refused after five minutes, in another
browser, for another person, in another ceremony, and the second time (Web Authentication section 13.4.3).
"""

import enum
import hashlib
import secrets
import struct
import time

from django.http import HttpRequest
from django.middleware.csrf import get_token

from accounts.models import User
from authcenter import limits
from authcenter.keys.vault import mac, mac_is_right

SECONDS = 300
_CLOCKS = 10
"""Seconds by which the clocks of two nodes may differ."""

_PURPOSE = "webauthn challenge"
_RANDOM, _TIME, _MAC = 16, 4, 16


class Ceremony(enum.StrEnum):
    SIGN_IN = "sign-in"
    SECOND_FACTOR = "second-factor"
    AGAIN = "again"
    ADD = "add"
    SIGN_UP = "sign-up"


def made(request: HttpRequest, ceremony: Ceremony, user: User | None) -> bytes:
    """For this browser, and for this person where she is known."""
    get_token(request)  # a browser without the cookie gets it with this answer
    head = secrets.token_bytes(_RANDOM) + struct.pack(">I", int(time.time()))
    return head + mac(head + _whose(request, ceremony, user), _PURPOSE)


def consumed(request: HttpRequest, ceremony: Ceremony, user: User | None, challenge: bytes) -> bool:
    """Whether the challenge was made for this and comes for the first time. From now on it is used, whatever else is
    right or wrong with the answer. Parallel tries: one statement decides."""
    if len(challenge) != _RANDOM + _TIME + _MAC or not request.META.get("CSRF_COOKIE"):
        return False
    head, tag = challenge[:-_MAC], challenge[-_MAC:]
    if not mac_is_right(head + _whose(request, ceremony, user), tag, _PURPOSE):
        return False
    (at,) = struct.unpack(">I", head[_RANDOM:])
    if not -_CLOCKS <= time.time() - at <= SECONDS:
        return False
    return not limits.refused(limits.once(f"challenge {hashlib.sha256(challenge).hexdigest()}"))


def _whose(request: HttpRequest, ceremony: Ceremony, user: User | None) -> bytes:
    """The browser is known by its CSRF secret; and where somebody is half or wholly signed in, by its session, too."""
    browser = str(request.META.get("CSRF_COOKIE", ""))
    session = "" if ceremony == Ceremony.SIGN_IN else str(request.session.session_key)
    whom = str(user.pk) if user is not None else ""
    return "\n".join([ceremony, browser, session, whom]).encode()
