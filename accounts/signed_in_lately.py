"""A guard for pages that change how one signs in: only for who has signed in lately, with all the factors she has."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.exceptions import ReauthenticationRequired
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponseBase
from django.urls import reverse

_View = Callable[..., HttpResponseBase]


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
