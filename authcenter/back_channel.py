"""The short way in for servers and apps: endpoints that have nothing to do with a browser's session.

Sessions, languages, forms' tokens and messages cost more than a token does, so these routes pass them by. What an
answer's headers say is said by the same classes as for pages: they are asked once a route, and their answer is kept.
"""

from collections.abc import Callable
from typing import Any

from csp.middleware import CSPMiddleware
from django.conf import settings
from django.core.exceptions import BadRequest, DisallowedHost, PermissionDenied, SuspiciousOperation
from django.core.handlers.exception import convert_exception_to_response
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.middleware.clickjacking import XFrameOptionsMiddleware
from django.middleware.security import SecurityMiddleware
from django.template.response import SimpleTemplateResponse
from django.urls import Resolver404, ResolverMatch, resolve

from authcenter.middleware import BACK_CHANNEL, PageHeadersMiddleware

_SAY_HEADERS = (SecurityMiddleware, CSPMiddleware, PageHeadersMiddleware, XFrameOptionsMiddleware)
_REFUSED = {Http404: 404, PermissionDenied: 403, SuspiciousOperation: 400, BadRequest: 400}
_MOST_HOSTS = 100
_Headers = tuple[tuple[str, tuple[str, str]], ...]


class BackChannelMiddleware:
    """Stands before everything that concerns pages. A path that none of its routes has goes on to them."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._of_pages = get_response
        self._answer: Callable[[HttpRequest], Any] = convert_exception_to_response(_answer)
        self._routes: dict[str, ResolverMatch] = {}
        self._headers: dict[tuple[str, bool], _Headers] = {}
        self._allowed: list[str] = []
        self._hosts: set[str] = set()

    def __call__(self, request: HttpRequest) -> HttpResponse:
        match = self._match(request.path_info) if request.path_info.startswith(BACK_CHANNEL) else None
        if match is None or not self._is_for_us(request):
            return self._of_pages(request)
        request.resolver_match = match
        response: HttpResponse = self._answer(request)
        store = response.headers._store  # what is written has been checked once; each `setdefault` would check again
        for key, header in self._said(request, match.route):
            store.setdefault(key, header)
        if not response.streaming:
            response.headers.setdefault("Content-Length", str(len(response.content)))
        response.cookies.clear()
        return response

    def _match(self, path: str) -> ResolverMatch | None:
        match = self._routes.get(path)
        if match is None:
            try:
                match = resolve(path)
            except Resolver404:
                return None
            if not match.kwargs:  # else strangers could fill the memory with paths
                self._routes[path] = match
        return match

    def _is_for_us(self, request: HttpRequest) -> bool:
        """Whether it came to a host of ours; hosts that were found to be are remembered."""
        if self._allowed is not settings.ALLOWED_HOSTS:
            self._allowed, self._hosts = settings.ALLOWED_HOSTS, set()
        host = request.META.get("HTTP_HOST", "")
        if host in self._hosts:
            return True
        try:
            request.get_host()
        except DisallowedHost:
            return False
        if host and len(self._hosts) < _MOST_HOSTS:
            self._hosts.add(host)
        return True

    def _said(self, request: HttpRequest, route: str) -> _Headers:
        key = route, request.is_secure()
        if key not in self._headers:
            chain: Any = lambda _request: HttpResponse()  # noqa: E731
            for each in reversed(_SAY_HEADERS):
                chain = each(chain)
            said = chain(request).items()
            self._headers[key] = tuple((name.lower(), (name, value)) for name, value in said if name != "Content-Type")
        return self._headers[key]


def _answer(request: HttpRequest) -> HttpResponse:
    """Errors that a view leaves to Django are not pages here: those need the session that was passed by."""
    match = request.resolver_match
    assert match is not None
    try:
        response: HttpResponse = match.func(request, *match.args, **match.kwargs)
    except tuple(_REFUSED) as error:
        status = next(status for kind, status in _REFUSED.items() if isinstance(error, kind))
        return JsonResponse({"error": "invalid_request"}, status=status)
    return response.render() if isinstance(response, SimpleTemplateResponse) else response
