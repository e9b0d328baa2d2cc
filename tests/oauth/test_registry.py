"""What a worker keeps of applications and APIs: as good as the tables, whoever changes them."""

import importlib

import pytest
from django.apps import apps
from django.db import connection, transaction

from authcenter.oauth.models import API, Application, Scope
from authcenter.oauth.registration import hashed
from authcenter.oauth.registry import MOST_KEPT, Registry, registry
from authcenter.sessions.models import RegistryState
from authcenter.sessions.view import follower
from tests.oauth.flow import machine_token

pytestmark = pytest.mark.django_db(transaction=True)

TABLES = ("oauth_application", "oauth_application_scopes", "oauth_api", "oauth_scope")


def _stamp():
    return RegistryState.objects.values_list("stamp", flat=True).first()


def _raw(statement, *values):
    with connection.cursor() as cursor:
        cursor.execute(statement, values)


CHANGES = {
    "a row saved": lambda app, api: app.save(),
    "rows updated": lambda app, api: Application.objects.update(name="other"),
    "a scope taken away": lambda app, api: app.scopes.clear(),
    "a scope given": lambda app, api: app.scopes.add(Scope.objects.get(name="orders:cancel")),
    "a scope renamed": lambda app, api: Scope.objects.filter(api=api).update(title="other"),
    "an API switched off": lambda app, api: API.objects.filter(pk=api.pk).update(is_active=False),
    "an API deleted": lambda app, api: API.objects.filter(pk=api.pk).delete(),
    "an application deleted": lambda app, api: Application.objects.filter(pk=app.pk).delete(),
    "by hand": lambda app, api: _raw("UPDATE oauth_application SET name = %s WHERE id = %s", "x", app.pk),
}


@pytest.mark.parametrize("name", CHANGES)
def test_each_change_gives_a_new_stamp(machine, orders, name):
    Scope.objects.create(api=orders, name="orders:cancel", title="Cancel orders")
    before = _stamp()
    CHANGES[name](machine.row, orders)
    assert before is not None and _stamp() != before


def test_what_is_rolled_back_leaves_no_stamp_that_comes_again(machine):
    seen = {_stamp()}
    for _ in range(3):
        with transaction.atomic():
            machine.row.save()
            transaction.set_rollback(True)
        assert _stamp() in seen
        machine.row.save()
        assert _stamp() not in seen
        seen.add(_stamp())


def test_a_change_is_seen_at_the_next_look(machine, fresh_view):
    assert registry.application(machine.id).name == machine.row.name
    Application.objects.filter(pk=machine.row.pk).update(name="Renamed")
    assert registry.application(machine.id).name == machine.row.name, "kept until somebody looks"
    follower.look()
    assert registry.application(machine.id).name == "Renamed"


def test_within_a_transaction_the_tables_are_asked(machine, fresh_view):
    assert registry.application(machine.id).is_active
    with transaction.atomic():
        Application.objects.filter(pk=machine.row.pk).update(is_active=False)
        assert registry.application(machine.id) is None
        transaction.set_rollback(True)
    assert registry.application(machine.id).is_active


def test_a_new_secret_replaces_the_old_one(machine):
    assert machine_token(machine).status_code == 200
    Application.objects.filter(pk=machine.row.pk).update(client_secret=hashed("another"))
    follower.look()
    assert machine_token(machine).status_code == 401


def test_neither_unknown_nor_inactive_ones_are_found(machine, orders, fresh_view):
    own = Registry()
    assert [own.application(name) for name in ("", "é", "x" * 300, "nobody")] == [None] * 4
    assert [own.api(name) for name in ("", "é", "nobody")] == [None] * 3
    assert own.api(orders.client_id).pk == orders.pk
    Application.objects.filter(pk=machine.row.pk).update(is_active=False)
    API.objects.filter(pk=orders.pk).update(is_active=False)
    follower.look()
    assert own.application(machine.id) is None and own.api(orders.client_id) is None


def test_one_that_is_made_later_is_found_at_once(application, fresh_view):
    own = Registry()
    assert own.application("later") is None
    application("machine", client_id="later")
    assert own.application("later") is not None


def test_a_worker_keeps_a_bounded_number(machine, monkeypatch, fresh_view):
    own = Registry()
    assert own.application(machine.id) is not None
    _stamp_now, kept = own._kept
    kept |= {(Application, f"other {number}"): machine.row for number in range(MOST_KEPT - 1)}
    Application.objects.create(client_id="one more", kind="machine", name="One more")
    assert own.application("one more") is not None
    assert len(own._kept[1]) == MOST_KEPT and (Application, machine.id) not in own._kept[1]


def test_no_migration_has_dropped_a_trigger(db):
    sqlite = "SELECT tbl_name FROM sqlite_master WHERE type = 'trigger' AND name LIKE 'registry_%%'"
    postgres = "SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname LIKE 'registry_%%'"
    with connection.cursor() as cursor:
        cursor.execute(sqlite if connection.vendor == "sqlite" else postgres)
        found = sorted(table for (table,) in cursor.fetchall())
    assert found == sorted(TABLES * (3 if connection.vendor == "sqlite" else 1))


def test_there_is_a_stamp_from_the_beginning():
    """Without one nothing is kept: who had applications before the triggers would wait for the first change."""
    begins = importlib.import_module("authcenter.oauth.migrations.0017_registry_begins")
    RegistryState.objects.all().delete()
    begins.begin(apps, None)
    stamp = RegistryState.objects.get().stamp
    begins.begin(apps, None)
    assert RegistryState.objects.get().stamp == stamp
