"""From WSGI to Django and back, as one deployment needs it.

Django prepares each request for being mounted below a path, for routes of its own and for who listens to its signals.
None of that is here, and left out it saves a twelfth of what a token costs.
"""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.core.handlers.wsgi import LimitedStream, WSGIHandler, WSGIRequest
from django.db import DEFAULT_DB_ALIAS, connections
from django.http.multipartparser import MultiPartParserError
from django.http.response import HttpResponseBase
from django.utils.http import parse_header_parameters

Environ = dict[str, Any]
StartResponse = Callable[[str, list[tuple[str, str]]], Any]


_SMALL_BODY = 65_536
"""Bytes."""

_HAVE_BODIES = frozenset({"POST", "PUT", "PATCH"})


class Request(WSGIRequest):
    """A request whose query and form are UTF-8, whatever charset its header names (the HTML standard knows no other).

    Django would believe the header, and read the query by it too, while it makes the request: some of the charsets that
    Python knows decode no text, and fail where nobody answers.
    """

    def __init__(self, environ: Environ) -> None:
        if "*" in environ.get("HTTP_ACCEPT", "").partition(";")[2]:
            environ["HTTP_ACCEPT"] = _readable(environ["HTTP_ACCEPT"])
        path = environ.get("PATH_INFO", "")
        if not path.startswith("/") or not path.isascii() or environ.get("SCRIPT_NAME"):
            super().__init__(environ)
            return
        environ["SCRIPT_NAME"] = ""
        self.environ = self.META = environ
        self.path = self.path_info = path
        self.method = environ["REQUEST_METHOD"].upper()
        self._set_content_type_params(environ)
        try:
            length = int(environ.get("CONTENT_LENGTH", ""))
        except ValueError:
            length = 0
        self._stream: Any = LimitedStream(environ["wsgi.input"], length)
        self._read_started = False
        self.resolver_match = None

    def _set_content_type_params(self, meta: Environ) -> None:
        try:
            self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))
        except (ValueError, TypeError):  # parameters by RFC 2231, of no charset, or of which nobody knows the order
            meta["CONTENT_TYPE"] = self.content_type = ""
            self.content_params = {}

    def read_the_rest(self) -> bool:
        """Whether nothing of the body is left then. If not, the connection has to be closed (RFC 9112 section 9.3).

        A refusal may come before the body is read. A small one is read here, as a client that sends it apart from the
        head would else lose the answer, or what it asks next (section 9.6); but not where it waits until it is told to
        send (RFC 9110 section 10.1.1).
        """
        stream = self._stream
        left = stream.limit - stream._pos if isinstance(stream, LimitedStream) else 0  # type: ignore[attr-defined]
        if 0 < left <= _SMALL_BODY and self.method in _HAVE_BODIES and "HTTP_EXPECT" not in self.META:
            stream.read()
            left = 0
        return left <= 0 and "HTTP_TRANSFER_ENCODING" not in self.META  # what comes in chunks is never read

    def _load_post_and_files(self) -> None:
        try:
            super()._load_post_and_files()
        except TypeError as error:  # the same in a header of a part; Django expects only that a charset is unknown
            self._mark_post_parse_error()  # type: ignore[attr-defined]
            raise MultiPartParserError("A header of a part cannot be read.") from error


def _readable(accept: str) -> str:
    """Without the media types that have parameters by RFC 2231 (`name*1=`, also within quotes, which are lost on the
    way): no type in `Accept` has any, and the library that reads them falls over some."""
    return ",".join(one for one in accept.split(",") if "*" not in one.partition(";")[2])


_QUIET = 60.0
"""Seconds without a request after which a thread's connection is not believed to live."""


class _Kept:
    """A thread's connection, which ends with it. granian ends a thread that has had no work for half a minute, and the
    connection refers to itself: without this it would be open until Python comes to collect its oldest objects."""

    def __init__(self) -> None:
        self._connection: Any = connections[DEFAULT_DB_ALIAS]
        self.asked_at = time.monotonic()

    def look_after(self) -> None:
        """One that an error has left broken, or that is old, is closed here; Django would look at all, at each end."""
        now = time.monotonic()
        if now - self.asked_at > _QUIET:
            self._connection.close()  # a firewall or a restart may have ended it; to ask would cost each request a trip
        else:
            self._connection.close_if_unusable_or_obsolete()
        self.asked_at = now

    def __del__(self) -> None:
        self._connection.close()


class _Thread(threading.local):
    kept: _Kept | None = None  # until its first request


class Handler(WSGIHandler):
    """Middleware, view and headers, in that order."""

    _thread = _Thread()  # of the class: it must not go before its thread does

    def __call__(self, environ: Environ, start_response: StartResponse) -> HttpResponseBase:
        if self._thread.kept is None:
            self._thread.kept = _Kept()
        self._thread.kept.look_after()
        request = Request(environ)
        response = self.get_response(request)
        headers = list(response.headers._store.values())  # `items()` would look up each by its name
        if not request.read_the_rest():
            headers.append(("Connection", "close"))
        headers += [("Set-Cookie", cookie.output(header="")) for cookie in response.cookies.values()]
        start_response(f"{response.status_code} {response.reason_phrase}", headers)
        return response
