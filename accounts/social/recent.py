"""Views for whoever has proved a moment ago who she is."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.http import HttpRequest, HttpResponse

View = Callable[..., HttpResponse]


def recent_sign_in(view: View) -> View:
    """Others are asked to sign in again first, and come back. Below `login_required`."""

    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if get_adapter(request).is_reauthentication_required(app="account"):
            raise ReauthenticationRequired
        return view(request, *args, **kwargs)

    return guarded
