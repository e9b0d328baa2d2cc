"""“Keep me signed in for 30 days”: what the person ticked, until her sign-in is whole."""

from django.http import HttpRequest

_KEY = "remember"


def remember(request: HttpRequest, wanted: bool) -> None:
    """Before the sign-in is whole: there may be a second factor to come."""
    request.session.pop(_KEY, None)
    if wanted:
        request.session[_KEY] = True


def is_remembered(request: HttpRequest) -> bool:
    """Whether the sign-in that becomes whole now was to be remembered. Asked once."""
    return bool(request.session.pop(_KEY, False))
