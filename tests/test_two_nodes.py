"""Several workers and nodes: each refuses within 0.3 s of the commit, and exactly where it must be exact."""

import http.client
import os
import re
import time
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest

from tests import room
from tests.lines import Line, one_to_each_worker
from tests.live import Server

pytestmark = pytest.mark.live
BOUND = 0.3
ORDERS = "/demo/api/orders/"


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Server]]:
    """Two nodes of two workers each on PostgreSQL; one of four on SQLite, which has no second node."""
    first = Server(tmp_path_factory.mktemp("node"), use="nodes", workers=2 if room.POSTGRES else 4)
    running = [first]
    try:
        first.wait()
        if room.POSTGRES:
            running.append(Server(tmp_path_factory.mktemp("node"), beside=first))
            running[1].wait()
        yield running
    finally:
        for node in running:
            node.stop()
    for node in running:
        assert "Traceback" not in node.log(), node.log()


@pytest.fixture(scope="module")
def lines(nodes: list[Server]) -> Iterator[list[Line]]:
    """One kept connection to each worker of each node: four in all."""
    found = one_to_each_worker([node.url for node in nodes], workers=4)
    yield found
    for line in found:
        line.close()


@pytest.fixture(scope="module")
def machine(nodes: list[Server]) -> tuple[str, str]:
    app = nodes[0].demo["applications"]["machine"]
    return app["client_id"], app["client_secret"]


def new_token(line: Line, machine: tuple[str, str]) -> str:
    status, body = line.ask("POST", "/oauth/token", auth=machine, grant_type="client_credentials", scope="orders:read")
    assert status == 200, body
    return str(body["access_token"])


def test_four_workers_refuse_within_the_bound_of_a_revocation_at_any(lines: list[Line], machine: Any) -> None:
    for number in range(12):
        token = new_token(lines[number % 4], machine)
        for line in lines:
            assert line.ask("GET", ORDERS, bearer=token)[0] == 200
        assert lines[(number + 1) % 4].ask("POST", "/oauth/revoke", auth=machine, token=token)[0] == 200
        committed = time.monotonic()
        left = list(lines)
        while left:
            asked = time.monotonic()
            left = [line for line in left if line.ask("GET", ORDERS, bearer=token)[0] == 200]
            assert not left or asked - committed < BOUND, f"{len(left)} still accept it after {BOUND} s"
            time.sleep(0.01)


def test_introspection_is_exact_at_every_worker(lines: list[Line], nodes: list[Server], machine: Any) -> None:
    api = nodes[0].demo["apis"]["demo"]
    credentials = (api["client_id"], api["client_secret"])
    for number in range(8):
        token = new_token(lines[0], machine)
        for line in lines:
            assert line.ask("POST", "/oauth/introspect", auth=credentials, token=token)[1]["active"] is True
        lines[number % 4].ask("POST", "/oauth/revoke", auth=machine, token=token)
        for line in lines:
            assert line.ask("POST", "/oauth/introspect", auth=credentials, token=token)[1] == {"active": False}


SESSION = """
from accounts.models import User
from allauth.account.models import EmailAddress
user = User.objects.filter(email="{email}").first() or User.objects.create_user("{email}", "a long enough sentence 7")
EmailAddress.objects.get_or_create(user=user, email=user.email, defaults={{"verified": True, "primary": True}})
"""


def test_refresh_is_exact_at_every_worker(lines: list[Line], nodes: list[Server]) -> None:
    nodes[0].python(SESSION.format(email="nodes@example.org"))

    def post(line: Line, path: str, **fields: str) -> tuple[int, Any]:
        return line.ask("POST", path, **fields)

    for number, line in enumerate(lines):
        status, pair = post(lines[0], "/api/token/", email="nodes@example.org", password="a long enough sentence 7")
        assert status == 200, pair
        status, pair = post(lines[(number + 2) % 4], "/api/token/refresh/", refresh=pair["refresh"])
        assert status == 200, pair
        assert post(lines[(number + 1) % 4], "/api/token/logout/", refresh=pair["refresh"])[0] == 204
        assert post(line, "/api/token/refresh/", refresh=pair["refresh"])[0] == 401


def test_a_code_is_dead_at_every_worker_once_its_session_is(lines: list[Line], nodes: list[Server]) -> None:
    app = nodes[0].demo["applications"]["web"]
    made = nodes[0].python(CODES.format(client_id=app["client_id"], uri=app["redirect_uris"][0], count=len(lines)))
    codes = re.findall(r"^(\S{20,}) (\S{36})$", made, re.MULTILINE)
    assert len(codes) == len(lines)
    for line, (code, session) in zip(lines, codes, strict=True):
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": app["redirect_uris"][0]}
        nodes[0].python(f"from authcenter.sessions.revocation import end_session; end_session({session!r}, reason='x')")
        status, body = line.ask(
            "POST", "/oauth/token", auth=(app["client_id"], app["client_secret"]), code_verifier="v" * 43, **form
        )
        assert (status, body["error"]) == (400, "invalid_grant")


CODES = """
import base64, hashlib, secrets
from datetime import timedelta
from django.utils import timezone
from accounts.models import User
from authcenter.oauth.models import Application, Authorization, Grant
from authcenter.oauth.registration import hashed
from authcenter.sessions.models import Session
user = User.objects.get(email="nodes@example.org")
app = Application.objects.get(client_id="{client_id}")
granted = Authorization.objects.filter(user=user, application=app).first() or Authorization.objects.create(
    user=user, application=app, scopes=["openid"])
now = timezone.now()
for _ in range({count}):
    session = Session.objects.create(
        user=user, user_epoch=user.epoch, kind="browser", expires=now + timedelta(days=1), idle_seconds=9999)
    code = secrets.token_urlsafe(32)
    Grant.objects.create(
        user=user, code=hashed(code), application=app, expires=now + timedelta(seconds=60), redirect_uri="{uri}",
        scope="openid", resource=[], authorization=granted, session=session, auth_time=now, user_epoch=user.epoch,
        application_epoch=app.epoch, code_challenge_method="S256",
        code_challenge=base64.urlsafe_b64encode(hashlib.sha256(b"v" * 43).digest()).decode().rstrip("="))
    print(code, session.pk)
"""


def test_a_worker_that_is_replaced_refuses_what_was_revoked_before_it_was_born(
    nodes: list[Server], machine: Any
) -> None:
    import signal

    with closing(Line(nodes[-1].url)) as line:
        token = new_token(line, machine)
        line.ask("POST", "/oauth/revoke", auth=machine, token=token)
        os.kill(line.worker, signal.SIGKILL)
    time.sleep(BOUND)  # the node's other worker lives on, and may take as long as it may
    deadline = time.monotonic() + 20
    workers = set()
    while time.monotonic() < deadline and len(workers) < 12:
        try:
            with closing(Line(nodes[-1].url)) as line:
                assert line.ask("GET", ORDERS, bearer=token)[0] == 401
                workers.add((line.worker, len(workers)))
        except (OSError, http.client.HTTPException):
            time.sleep(0.1)
    assert len(workers) == 12
