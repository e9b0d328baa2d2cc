"""A guard for pages that change how one signs in: only for who has signed in lately, with all the factors she has."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import urlencode

_View = Callable[..., HttpResponseBase]
_SECRET = ("password", "secret")
"""In the name of a field: what it holds is kept nowhere in the clear."""


class SuspendedRequestMiddleware:
    """What somebody sent waits in her session, in the database, while she proves again who she is: without her cookies.
    A form with a password or secret does not wait: she fills it in again. Stands inside the library's middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, ReauthenticationRequired):
            return None
        request.META.pop("HTTP_COOKIE", None)
        if not any(word in name.lower() for name in request.POST for word in _SECRET):
            return None
        return redirect(f"{page_to_prove_it(request)}?{urlencode({'next': request.get_full_path()})}")


def page_to_prove_it(request: HttpRequest) -> str:
    """Where somebody who is signed in proves again who she is: by the best that she has."""
    methods = get_adapter(request).get_reauthentication_methods(request.user)
    return str(methods[0]["url"]) if methods else reverse("account_reauthenticate")


def check_signed_in_lately(request: HttpRequest) -> None:
    """Raises what sends somebody to prove again who she is, and brings her back here with what she had sent."""
    if get_adapter(request).is_reauthentication_required(app="accounts"):
        raise ReauthenticationRequired


def signed_in_lately(view: _View) -> _View:
    """Decorates a view: a stranger signs in, others prove again who they are where that is long ago or was too weak."""

    @login_required
    @wraps(view)
    def guarded(request: HttpRequest, *args: Any, **options: Any) -> HttpResponseBase:
        check_signed_in_lately(request)
        return view(request, *args, **options)

    return guarded
