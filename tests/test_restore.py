"""A backup is put back: nothing that was given out before or after it lives, and people can sign in again."""

import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from authcenter.resource_server import InvalidToken, Verifier
from tests import room
from tests.live import Server

pytestmark = [pytest.mark.live, pytest.mark.skipif(bool(room.POSTGRES), reason="copies the SQLite file")]
PERSON = {"email": "restored@example.org", "password": "a long enough sentence 7"}
MAKE = """
from accounts.models import User
from allauth.account.models import EmailAddress
user = User.objects.create_user("restored@example.org", "a long enough sentence 7")
EmailAddress.objects.create(user=user, email=user.email, verified=True, primary=True)
"""


class Client:
    """What one server's people and machines hold."""

    def __init__(self, server: Server) -> None:
        self.url, app = server.url, server.demo["applications"]["machine"]
        self._machine = (app["client_id"], app["client_secret"])

    def sign_in(self) -> dict[str, str]:
        return httpx.post(f"{self.url}/api/token/", json=PERSON).raise_for_status().json()

    def machine_token(self) -> str:
        data = {"grant_type": "client_credentials", "scope": "orders:read"}
        answer = httpx.post(f"{self.url}/oauth/token", data=data, auth=self._machine)
        return str(answer.raise_for_status().json()["access_token"])

    def lives(self, token: str, path: str = "/demo/api/orders/") -> bool:
        return httpx.get(f"{self.url}{path}", headers={"Authorization": f"Bearer {token}"}).status_code == 200

    def refreshes(self, token: str) -> bool:
        return httpx.post(f"{self.url}/api/token/refresh/", json={"refresh": token}).status_code == 200

    def revoke(self, token: str) -> None:
        httpx.post(f"{self.url}/oauth/revoke", data={"token": token}, auth=self._machine).raise_for_status()


def test_nothing_revives(tmp_path: Path) -> None:
    first = Server(tmp_path, use="restored")
    second = None
    try:
        first.wait()
        first.python(MAKE)
        client = Client(first)
        audience = first.demo["apis"]["demo"]["identifier"]
        verifier = Verifier(first.url, audience)
        ended, living, revoked = client.sign_in(), client.sign_in(), client.machine_token()
        assert verifier.verify(revoked)
        _copy(first.data_dir / "db.sqlite3", tmp_path / "backup.sqlite3")
        assert httpx.post(f"{client.url}/api/token/logout/", json={"refresh": ended["refresh"]}).status_code == 204
        client.revoke(revoked)
        later, later_machine = client.sign_in(), client.machine_token()
        deadline = time.monotonic() + 20
        while not _refused(verifier, revoked) and time.monotonic() < deadline:
            time.sleep(0.05)
        assert _refused(verifier, revoked) and verifier.verify(later_machine)
        first.stop()
        for name in ("db.sqlite3", "db.sqlite3-wal", "db.sqlite3-shm"):
            (first.data_dir / name).unlink(missing_ok=True)
        _copy(tmp_path / "backup.sqlite3", first.data_dir / "db.sqlite3")
        assert "2 sessions" in first.manage("restored", "--yes")
        second = Server(tmp_path, beside=first)
        second.wait()
        client = Client(second)
        for pair in (ended, living, later):
            assert not client.lives(pair["access"], "/api/me/") and not client.refreshes(pair["refresh"])
        assert not client.lives(revoked) and not client.lives(later_machine)
        assert client.lives(client.sign_in()["access"], "/api/me/") and client.lives(client.machine_token())
        assert _refused(verifier, revoked), "who has heard of it keeps it"
    finally:
        for server in (first, second):
            if server is not None and server.process.poll() is None:
                server.stop()


def _refused(verifier: Verifier, token: str) -> bool:
    try:
        verifier.verify(token)
    except InvalidToken:
        return True
    return False


def _copy(source: Path, target: Path) -> None:
    """As an operator would, while the server runs."""
    with closing(sqlite3.connect(source)) as here, closing(sqlite3.connect(target)) as there:
        here.backup(there)


@pytest.mark.django_db
def test_it_asks_before_it_ends_everything(monkeypatch: Any, capsys: Any) -> None:
    from django.core.management import CommandError, call_command

    from authcenter.sessions.models import Revocation

    monkeypatch.setattr("builtins.input", lambda _question: "")
    with pytest.raises(CommandError, match="Nothing was changed"):
        call_command("restored")
    assert not Revocation.objects.exists()
