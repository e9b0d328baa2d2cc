"""The server's own way in, in a thread of its own as granian has them."""

import http.client
import io
import socket
import threading
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.conf import settings
from django.db import connection, connections

from authcenter.handler import Handler
from tests import room
from tests.live import Server


@pytest.fixture(scope="module")
def handler() -> Handler:
    return Handler()


def _asked(handler: Handler, path: str, **environ: Any) -> tuple[int, dict[str, str], bytes]:
    told: list[tuple[str, list[tuple[str, str]]]] = []
    sent = {
        "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": "", "HTTP_HOST": "localhost", "SERVER_PORT": "80",
        "SERVER_NAME": "localhost", "wsgi.url_scheme": "http", "wsgi.input": io.BytesIO(), "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
    answer = handler(sent | environ, lambda status, headers: told.append((status, headers)))
    body = b"".join(answer)  # type: ignore[call-overload]
    answer.close()
    status, headers = told[0]
    return int(status[:3]), dict(headers), body


def _in_a_thread(act: Any) -> list[Any]:
    got: list[Any] = []

    def run() -> None:
        try:
            got.extend(act())
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return got


def _end(pid: int) -> None:
    ender = connection.copy()
    with ender.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    ender.close()


@pytest.mark.django_db(transaction=True)
def test_a_thread_keeps_its_connection(handler: Handler) -> None:
    def act() -> list[Any]:
        seen = []
        for _ in range(3):
            assert _asked(handler, "/readyz")[0] == 200
            seen.append(connection.connection)
        return seen

    first, second, third = _in_a_thread(act)
    assert first is not None
    assert first is second is third


@pytest.mark.django_db(transaction=True)
def test_a_connection_ends_with_its_thread(handler: Handler) -> None:
    """At once: until Python collects it, dozens of threads may have come and gone."""
    kept: list[Any] = []

    def run() -> None:
        assert _asked(handler, "/readyz")[0] == 200
        kept.extend([connections["default"], connection.connection])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    wrapper, opened = kept
    assert opened is not None
    assert wrapper.connection is None


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not room.POSTGRES, reason="there is nobody who could end SQLite's")
def test_after_a_quiet_time_a_connection_that_was_ended_is_not_used(handler: Handler) -> None:
    def act() -> list[Any]:
        assert _asked(handler, "/readyz")[0] == 200
        pid = connection.connection.info.backend_pid
        _end(pid)
        assert handler._thread.kept is not None
        handler._thread.kept.asked_at -= 61
        return [_asked(handler, "/readyz")[0], connection.connection.info.backend_pid != pid]

    assert _in_a_thread(act) == [200, True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(not room.POSTGRES, reason="there is nobody who could end SQLite's")
def test_a_connection_that_was_ended_fails_one_request(handler: Handler) -> None:
    def act() -> list[Any]:
        assert _asked(handler, "/readyz")[0] == 200
        _end(connection.connection.info.backend_pid)
        return [_asked(handler, "/readyz")[0] for _ in range(3)]

    assert _in_a_thread(act) == [503, 200, 200]


@pytest.mark.parametrize("path", ["/nowhere/%", "/n\u00c3\u00b6", "//nowhere", "*", ""])
def test_odd_paths_are_answered(transactional_db: None, handler: Handler, path: str) -> None:
    status, headers, _body = _asked(handler, path)
    assert status in {200, 302, 404}
    assert headers["X-Request-ID"]


@pytest.mark.parametrize("parameter", ["x*=nope''a", "x*=undefined''%61", "x*=a\0b''c", "x*1=a; x*=b"])
def test_a_media_type_that_cannot_be_read_is_none(transactional_db: None, handler: Handler, parameter: str) -> None:
    """Django reads it while it makes the request, where nobody answers what it raises."""
    form: dict[str, Any] = {"REQUEST_METHOD": "POST", "CONTENT_LENGTH": "3"}
    for media_type in ("application/x-www-form-urlencoded", "multipart/form-data", "application/json"):
        form["CONTENT_TYPE"] = f"{media_type}; {parameter}"
        statuses = [
            _asked(handler, path, **form, **{"wsgi.input": io.BytesIO(b"a=b")})[0]
            for path in ("/oauth/token", "/accounts/login/", "/api/token/", "/nowhere")
        ]
        assert statuses == [400, 403, 415, 404]


def test_a_part_whose_header_cannot_be_read_is_a_bad_request(transactional_db: None, handler: Handler) -> None:
    body = b'--x\r\nContent-Disposition: form-data; name="a"; x*1=a; x*=b\r\n\r\nb\r\n--x--\r\n'
    status, _headers, _body = _asked(
        handler,
        "/accounts/login/",
        REQUEST_METHOD="POST",
        HTTP_COOKIE=f"{settings.CSRF_COOKIE_NAME}={'x' * 32}",
        CONTENT_TYPE="multipart/form-data; boundary=x",
        CONTENT_LENGTH=str(len(body)),
        **{"wsgi.input": io.BytesIO(body)},
    )
    assert status == 400


@pytest.mark.live
@pytest.mark.parametrize(
    "asked",
    [
        *("POST /oauth/token?grant_type=password", "PUT /oauth/token", "POST /oauth/revoke?token=x"),
        *("POST /oauth/introspect?token=x", "POST /oauth/par?x=1", "POST /oauth/register", "POST /api/nowhere"),
    ],
)
def test_rfc9112_9_3_a_connection_serves_on_after_a_body_that_nobody_wanted(server: Server, asked: str) -> None:
    """Unread, it would make the server hang up, and the client's next request fail that was on its way meanwhile."""
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line, line.makefile("rb") as answers:
        head = f"Host: {parts.netloc}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 7\r\n\r\n"
        line.sendall(f"{asked} HTTP/1.1\r\n{head}".encode())
        time.sleep(0.3)  # as a client that sends head and body apart, on a slow network
        line.sendall(b"a=b&c=d")
        line.sendall(f"GET /livez HTTP/1.1\r\nHost: {parts.netloc}\r\n\r\n".encode())
        statuses = [_status(answers), _status(answers)]
    assert statuses[0] in {400, 403, 404, 405} and statuses[1] == 200


@pytest.mark.live
@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("POST", "Content-Length: 100000"),
        ("POST", "Content-Length: 7\r\nExpect: 100-continue"),  # RFC 9110 section 10.1.1: it is told before it sends
        ("POST", "Transfer-Encoding: chunked"),
        ("GET", "Content-Length: 7"),
        ("HEAD", "Content-Length: 7"),
    ],
)
def test_rfc9112_9_6_a_body_that_stays_unread_ends_the_connection_and_the_answer_says_so(
    server: Server, method: str, headers: str
) -> None:
    parts = urlsplit(server.url)
    with socket.create_connection((parts.hostname, parts.port), timeout=30) as line, line.makefile("rb") as answers:
        line.sendall(f"{method} /api/nowhere HTTP/1.1\r\nHost: {parts.netloc}\r\n{headers}\r\n\r\n".encode())
        assert answers.readline().split()[1] == b"404"
        assert http.client.parse_headers(answers)["Connection"] == "close"
        answers.read()  # to the end of the connection


def _status(answers: Any) -> int:
    """Of the next answer, which is read to its end."""
    status = int(answers.readline().split()[1])
    answers.read(int(http.client.parse_headers(answers)["Content-Length"]))
    return status
