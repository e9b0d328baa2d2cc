"""The page between signing out and where that leads: applications in this browser are told in hidden frames
(OpenID Connect Front-Channel Logout 1.0). It goes on when they have loaded, or after some seconds.
"""

import time
from dataclasses import asdict
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.sign_in import PARKED
from authcenter.sessions.participants import Hearer, confirmed, origins

_KEY = "signing_out"
_TOLD = "told_of_sign_out"
_RECENT_SECONDS = 300


def begin(request: HttpRequest, session: str, hearers: list[Hearer]) -> None:
    """Keep for the next pages which applications are told of this session's end; in the new cookie session of a
    stranger."""
    if frames := [one.frame for one in hearers if one.frame]:
        request.session[_KEY] = [*request.session.get(_KEY, []), *frames]
    if hearers:
        told = [{"session": session, **asdict(one), "at": time.time()} for one in hearers]
        request.session[_TOLD] = [*request.session.get(_TOLD, []), *told]


def waits(request: HttpRequest) -> bool:
    return bool(request.session.get(_KEY))


def told(request: HttpRequest) -> list[dict[str, Any]]:
    """Who was told a moment ago, and whether they have heard: for the page after a sign-out, once."""
    recent = [one for one in request.session.pop(_TOLD, []) if one["at"] > time.time() - _RECENT_SECONDS]
    return [
        {
            "name": one["name"],
            "by_browser": bool(one["frame"]),
            "confirmed": confirmed(one["session"], one["client_id"]) if one["by_server"] else None,
        }
        for one in recent
    ]


def onward(request: HttpRequest) -> str:
    """The name of the page after a sign-out: where other accounts of this browser are signed in, one chooses."""
    return "account-choose" if request.session.get(PARKED) else "account_login"


def page(request: HttpRequest, onward: str) -> HttpResponse:
    """Tell them, once, and go `onward`, which the caller has checked."""
    frames = request.session.pop(_KEY, [])
    names = [one["name"] for one in request.session.get(_TOLD, [])]
    response = render(request, "account/signing_out.html", {"frames": frames, "onward": onward, "names": names})
    response._csp_update = {"frame-src": origins(frames)}  # type: ignore[attr-defined]
    return response


@require_safe
def signing_out(request: HttpRequest) -> HttpResponse:
    return page(request, reverse(onward(request))) if waits(request) else redirect(onward(request))
