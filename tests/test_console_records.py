"""What operators see and do not edit: sessions, authorizations, families, revocations, keys, the log."""

import threading
import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connections
from django.utils import timezone

from authcenter.sessions.models import Session
from authcenter.sessions.revocation import end_session
from tests.console_pages import allow, confirm

pytestmark = pytest.mark.django_db


@pytest.fixture
def root(person, client, sign_in):
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    return user


@pytest.fixture
def alice(person):
    return person()


def new_session(user, **fields):
    from authcenter.sessions.models import Session

    now = timezone.now()
    values = {"kind": "browser", "expires": now + timedelta(days=1), "idle_seconds": 3600, "last_seen": now, **fields}
    return Session.objects.create(user=user, **values)


def new_family(authorization):
    family = unsaved_family(authorization)
    family.save(force_insert=True)
    return family


def unsaved_family(authorization):
    from authcenter.oauth.models import Family

    now = timezone.now()
    return Family(
        user=authorization.user,
        application=authorization.application,
        authorization=authorization,
        auth_time=now,
        user_epoch=0,
        application_epoch=0,
        token_hash="f" * 64,
        successor="gAAAA-encrypted",
        expires=now + timedelta(days=1),
        absolute_expires=now + timedelta(days=2),
    )


def audit(kind):
    from authcenter.audit.models import AuditEvent

    return list(AuditEvent.objects.filter(kind=kind))


def test_ending_a_session(client, root, alice):
    from authcenter.sessions.models import Revocation

    session = new_session(alice)
    here = f"/admin/signins/session/{session.pk}/end/"
    assert client.get(here).status_code == 200
    assert not Revocation.objects.exists()
    assert confirm(client, here).status_code == 302
    session.refresh_from_db()
    assert session.ended
    row = Revocation.objects.get()
    assert (row.kind, row.subject) == ("session", str(session.pk))
    event = audit("session_revoked")[0]
    assert (event.actor, event.subject, event.detail) == (str(root.pk), str(session.pk), {"user": str(alice.pk)})
    confirm(client, here)
    assert len(audit("session_revoked")) == 1


def test_ending_sessions_from_the_list(client, root, alice):
    from authcenter.sessions.models import Revocation

    sessions = [new_session(alice) for _number in range(3)]
    chosen = {"action": "end_selected", "_selected_action": [str(one.pk) for one in sessions]}
    assert client.post("/admin/signins/session/", chosen).status_code == 200
    assert not Revocation.objects.exists()
    assert confirm(client, "/admin/signins/session/", **chosen).status_code == 302
    assert Revocation.objects.count() == 3


def test_sessions_are_told_apart_by_life(client, root, alice):
    now = timezone.now()
    living = new_session(alice)
    over = [
        new_session(alice, ended=now),
        new_session(alice, expires=now - timedelta(seconds=1)),
        new_session(alice, last_seen=now - timedelta(hours=2)),
    ]
    assert living.is_alive
    assert not any(session.is_alive for session in over)
    page = client.get("/admin/signins/session/", {"alive": "yes", "user": str(alice.pk)}).content.decode()
    assert str(living.pk) in page
    assert not any(str(session.pk) in page for session in over)
    page = client.get("/admin/signins/session/", {"alive": "no", "user": str(alice.pk)}).content.decode()
    assert str(living.pk) not in page
    assert all(str(session.pk) in page for session in over)


def test_withdrawing_an_authorization(client, root, alice, application):
    from authcenter.oauth.models import Authorization
    from authcenter.sessions.models import Revocation

    app, _secret = application()
    authorization = Authorization.objects.create(user=alice, application=app, scopes=["openid"])
    here = f"/admin/oauth/authorization/{authorization.pk}"
    assert client.get(f"{here}/change/").status_code == 200
    assert client.get(f"{here}/withdraw/").status_code == 200
    assert not Revocation.objects.exists()
    assert confirm(client, f"{here}/withdraw/").status_code == 302
    authorization.refresh_from_db()
    assert authorization.withdrawn
    row = Revocation.objects.get()
    assert (row.kind, row.subject) == ("authorization", str(authorization.pk))
    assert audit("authorization_withdrawn")[0].client_id == app.client_id


def test_ending_a_family_and_seeing_no_hash(client, root, alice, application):
    from authcenter.oauth.models import Authorization
    from authcenter.sessions.models import Revocation

    family = new_family(Authorization.objects.create(user=alice, application=application()[0]))
    here = f"/admin/oauth/family/{family.pk}"
    page = client.get(f"{here}/change/").content.decode()
    assert family.token_hash not in page
    assert family.successor not in page
    assert family.token_hash not in client.get("/admin/oauth/family/").content.decode()
    assert confirm(client, f"{here}/end/").status_code == 302
    family.refresh_from_db()
    assert family.ended
    assert Revocation.objects.get().subject == str(family.pk)


def test_a_deletion_page_names_no_code(client, root, alice, application):
    from authcenter.oauth.models import Authorization, Grant

    now = timezone.now()
    app, _secret = application()
    authorization = Authorization.objects.create(user=alice, application=app)
    Grant.objects.create(
        user=alice,
        application=app,
        code="c" * 64,
        expires=now,
        redirect_uri="https://rp.example/cb",
        authorization=authorization,
        session=new_session(alice),
        auth_time=now,
        user_epoch=0,
        application_epoch=0,
    )
    page = client.get(f"/admin/accounts/user/{alice.pk}/delete/").content.decode()
    assert "c" * 64 not in page
    assert client.post(f"/admin/accounts/user/{alice.pk}/delete/", {"post": "yes"}).status_code == 302


def key_address(key, act):
    return f"/admin/keys/key/{key.pk.replace('_', '_5F')}/{act}/"


def test_private_keys_are_never_rendered(client, root):
    from authcenter.keys.models import Key

    for key in Key.objects.all():
        page = client.get(key_address(key, "change")).content.decode()
        assert key.private_key not in page
        assert key.private_key[:40] not in page
        assert "private" not in page.lower()
    listed = client.get("/admin/keys/key/", {"private_key__startswith": "gAAAA"})
    assert listed.status_code in {302, 400}


def test_rotating_keys(client, root):
    from authcenter.keys.models import Key

    active = set(Key.objects.filter(state="active").values_list("pk", flat=True))
    assert client.get("/admin/keys/key/rotate/").status_code == 200
    assert set(Key.objects.filter(state="active").values_list("pk", flat=True)) == active
    assert confirm(client, "/admin/keys/key/rotate/").status_code == 302
    assert not active & set(Key.objects.filter(state="active").values_list("pk", flat=True))
    assert len(audit("key_rotated")) == len(active)


def test_a_compromised_key_is_revoked_and_the_next_takes_over(client, root):
    from authcenter.keys.models import Key
    from authcenter.keys.ring import ring
    from authcenter.sessions.models import Revocation

    key = Key.objects.get(state="active", algorithm="ES256")
    assert client.get(key_address(key, "revoke")).status_code == 200
    assert confirm(client, key_address(key, "revoke")).status_code == 302
    key.refresh_from_db()
    assert key.state == "revoked"
    assert key.pk not in [published["kid"] for published in ring.jwks()["keys"]]
    assert Key.objects.filter(state="active", algorithm="ES256").count() == 1
    row = Revocation.objects.get()
    assert (row.kind, row.subject) == ("key", key.pk)
    assert audit("key_revoked")[0].subject == key.pk


READ_ONLY = (
    "audit/auditevent",
    "signins/session",
    "signins/revocation",
    "oauth/authorization",
    "oauth/family",
    "keys/key",
)


@pytest.mark.parametrize("path", READ_ONLY)
def test_what_is_read_only_is_so_for_superusers(client, root, alice, application, path):
    from django.apps import apps

    from authcenter.console.site import site
    from authcenter.oauth.models import Authorization
    from authcenter.sessions.revocation import end_all_of_user

    new_family(Authorization.objects.create(user=alice, application=application()[0]))
    end_all_of_user(alice.pk, reason="a test")
    model = apps.get_model(*path.split("/"))
    row = model.objects.first()
    before, count = model.objects.values().get(pk=row.pk), model.objects.count()
    here = site.get_model_admin(model).address_of(row)
    assert client.get(here).status_code == 200
    crafted = dict.fromkeys(before, "1")
    assert client.post(here, crafted).status_code == 403
    assert client.post(here.replace("/change/", "/delete/"), {"post": "yes"}).status_code == 403
    if path != "signins/revocation":  # its page finds what to revoke, and writes no row by itself
        assert client.get(f"/admin/{path}/add/").status_code in {403, 404}
    assert client.post(f"/admin/{path}/add/", crafted).status_code in {400, 403, 404}
    assert model.objects.count() == count
    chosen = {"action": "delete_selected", "_selected_action": [str(row.pk)], "post": "yes"}
    client.post(f"/admin/{path}/", chosen)
    assert model.objects.values().get(pk=row.pk) == before


def test_the_log_is_found_by_what_it_names(client, root, alice):
    from authcenter.audit.models import AuditEvent

    event = AuditEvent.objects.create(
        kind="grant_refused",
        actor=str(alice.pk),
        subject="session-7",
        client_id="client-7",
        address="203.0.113.7",
        request_id="request-7",
    )
    AuditEvent.objects.create(kind="grant_refused", address="198.51.100.1")
    for query in (str(alice.pk), "alice@example.com", "session-7", "client-7", "203.0.113.7", "request-7"):
        page = client.get("/admin/audit/auditevent/", {"q": query}).content.decode()
        assert f"/{event.pk}/change/" in page, query
        assert "198.51.100.1" not in page, query
        assert "alice@example.com" in page  # the name behind the id
    page = client.get("/admin/audit/auditevent/", {"kind__in": "sign_in_refused"}).content.decode()
    assert f"/{event.pk}/change/" not in page


def test_what_a_stranger_wrote_into_the_log_is_text(client, root):
    from authcenter.audit.models import AuditEvent

    attack = "<script>alert(1)</script>"
    event = AuditEvent.objects.create(kind="sign_in_refused", client_id=attack, detail={attack: attack})
    for path in ("/admin/audit/auditevent/", f"/admin/audit/auditevent/{event.pk}/change/", "/admin/"):
        assert attack not in client.get(path).content.decode()


def test_the_log_costs_the_same_for_many_rows(client, root, person, django_assert_max_num_queries):
    from authcenter.audit.models import AuditEvent

    for number in range(30):
        AuditEvent.objects.create(
            kind="signed_in", actor=str(person(f"p{number}@example.com").pk), subject=uuid.uuid4()
        )
    with django_assert_max_num_queries(12):
        assert client.get("/admin/audit/auditevent/").status_code == 200


def test_the_dashboard_shows_each_what_he_may_see(client, root, person, sign_in):
    from django.test import Client

    page = client.get("/admin/").content.decode()
    assert "Living sessions" in page
    assert "Signing keys" in page
    assert "Demo" in page
    few = Client(HTTP_HOST="localhost")
    sign_in(few, allow(person("oscar@example.com", is_staff=True), "accounts.view_user"))
    page = few.get("/admin/").content.decode()
    assert "Active people" in page
    assert "Living sessions" not in page
    assert "Signing keys" not in page


@pytest.mark.django_db(transaction=True)
def test_many_acts_and_single_ones_do_not_wait_for_each_other(person, client, sign_in):
    """An operator ends many sessions, and people sign out meanwhile, the last ones first."""
    sign_in(client, person("root@example.com", is_staff=True, is_superuser=True))
    alice, faults = person(), []
    ends = timezone.now() + timedelta(days=1)
    sessions = [
        Session.objects.create(user=alice, user_epoch=0, kind="api", expires=ends, idle_seconds=9999) for _ in range(45)
    ]
    chosen = {"action": "end_selected", "_selected_action": [str(one.pk) for one in sessions]}
    gate = threading.Barrier(2)

    def alone(act: Callable[[], Any]) -> None:
        try:
            gate.wait()
            act()
        except Exception as fault:
            faults.append(fault)
        finally:
            connections.close_all()

    def sign_outs() -> None:
        for session in sorted(sessions, key=lambda one: one.last_seen):
            end_session(session.pk, reason="signed out")

    def bulk() -> None:
        assert confirm(client, "/admin/signins/session/", **chosen).status_code == 302

    threads = [threading.Thread(target=alone, args=[act]) for act in (bulk, sign_outs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults and not Session.objects.filter(user=alice, ended=None).exists()
