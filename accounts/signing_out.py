"""The page between signing out and where that leads: applications in this browser are told in hidden frames
(OpenID Connect Front-Channel Logout 1.0). It goes on when they have loaded, or after some seconds.
"""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.http import require_safe

from accounts.sign_in import PARKED
from authcenter.sessions.participants import origins

_KEY = "signing_out"


def begin(request: HttpRequest, frames: list[str]) -> None:
    """Keep for the next page which applications are to be told; in the new cookie session of a stranger."""
    if frames:
        request.session[_KEY] = [*request.session.get(_KEY, []), *frames]


def waits(request: HttpRequest) -> bool:
    return bool(request.session.get(_KEY))


def onward(request: HttpRequest) -> str:
    """The name of the page after a sign-out: where other accounts of this browser are signed in, one chooses."""
    return "account-choose" if request.session.get(PARKED) else "account_login"


def page(request: HttpRequest, onward: str) -> HttpResponse:
    """Tell them, once, and go `onward`, which the caller has checked."""
    frames = request.session.pop(_KEY, [])
    response = render(request, "account/signing_out.html", {"frames": frames, "onward": onward})
    response._csp_update = {"frame-src": origins(frames)}  # type: ignore[attr-defined]
    return response


@require_safe
def signing_out(request: HttpRequest) -> HttpResponse:
    return page(request, reverse(onward(request))) if waits(request) else redirect(onward(request))
