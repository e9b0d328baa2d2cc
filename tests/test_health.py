"""/livez and /readyz: what an operator's probes ask."""

import os
import signal
import time
from pathlib import Path

import httpx
import pytest
from django.core.cache.backends.db import DatabaseCache
from django.db import DatabaseError, connection

from authcenter.keys.models import Key
from authcenter.keys.ring import ring
from authcenter.server import health

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _migrations_are_asked_again():
    health._migrated = False
    yield
    health._migrated = False


def test_livez_asks_no_other_part(client, sql):
    with sql() as statements:
        response = client.get("/livez")
    assert response.status_code == 200
    statements.assert_at_most(0)


def test_readyz_when_all_is_well(client):
    response = client.get("/readyz")
    assert (response.status_code, response.json()) == (200, {"status": "ready", "not_ready": []})


def test_readyz_names_missing_signing_keys(client):
    Key.objects.all().delete()
    ring.forget()
    response = client.get("/readyz")
    assert (response.status_code, response.json()["not_ready"]) == (503, ["signing keys"])


def test_readyz_names_pending_migrations(client):
    with connection.cursor() as cursor:
        cursor.execute("SELECT app, name, applied FROM django_migrations WHERE app = 'keys'")
        row = cursor.fetchone()
        cursor.execute("DELETE FROM django_migrations WHERE app = 'keys' AND name = %s", [row[1]])
        try:
            response = client.get("/readyz")
        finally:
            cursor.execute("INSERT INTO django_migrations (app, name, applied) VALUES (%s, %s, %s)", row)
    assert (response.status_code, response.json()["not_ready"]) == (503, ["migrations"])


def test_readyz_names_a_cache_that_does_not_answer(client, settings):
    settings.CACHES = {
        "default": {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": "redis://127.0.0.1:1"}
    }
    response = client.get("/readyz")
    assert (response.status_code, response.json()["not_ready"]) == (503, ["cache"])


def test_readyz_names_a_cache_table_that_is_not_there(client, settings):
    settings.CACHES = {"default": {"BACKEND": f"{DatabaseCache.__module__}.DatabaseCache", "LOCATION": "no_such_table"}}
    assert client.get("/readyz").json()["not_ready"] == ["cache"]


def test_readyz_names_a_database_that_does_not_answer_and_tells_no_detail(client, monkeypatch):
    def fails(*_: object) -> None:
        raise DatabaseError("password of db.example.com is wrong")

    monkeypatch.setattr(connection, "cursor", fails)
    response = client.get("/readyz")
    assert response.status_code == 503
    assert "database" in response.json()["not_ready"]
    assert b"db.example.com" not in response.content


def test_health_is_not_cached_and_only_read(client):
    for path in ("/livez", "/readyz"):
        assert client.get(path)["Cache-Control"] == "no-store"
        assert client.post(path).status_code == 405


def _workers(server) -> list[int]:
    pid = server.process.pid
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


@pytest.mark.live
def test_a_worker_that_dies_is_replaced(server):
    killed = _workers(server)[-1]
    os.kill(killed, signal.SIGKILL)
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and (killed in _workers(server) or len(_workers(server)) < 2):
        time.sleep(0.1)
    assert killed not in _workers(server) and len(_workers(server)) == 2
    assert all(httpx.get(f"{server.url}/livez", timeout=10).status_code == 200 for _ in range(10))


@pytest.mark.live
def test_a_second_server_on_the_same_port_is_refused_in_plain_words(server):
    with pytest.raises(AssertionError, match=f"Port {server.url.rpartition(':')[2]} on 127.0.0.1 cannot be used"):
        server.manage("serve")
