"""The demo's data: made once, repeated without harm, healed where the file or the database was lost."""

import json
import stat
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from allauth.account.models import EmailAddress
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from accounts.models import User
from authcenter.demo.seed import seed
from authcenter.oauth.models import API, Application, Scope
from authcenter.oauth.own_api import ensure_own_api
from authcenter.oauth.registration import hashed
from authcenter.sessions.models import Revocation

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def demo(settings: Any, tmp_path: Path) -> Path:
    settings.DEMO, settings.DATA_DIR, settings.ISSUER = True, tmp_path, "http://localhost:8000"
    settings.OWN_API = "http://localhost:8000/api"
    return tmp_path / "demo.json"


def moved_to(settings: Any, issuer: str) -> None:
    settings.ISSUER, settings.OWN_API = issuer, f"{issuer}/api"


def rows() -> dict[str, Any]:
    """Everything that a second run could have changed."""
    return {
        "users": list(User.objects.order_by("email").values()),
        "roles": sorted(User.objects.values_list("email", "roles__name")),
        "addresses": list(EmailAddress.objects.order_by("email").values()),
        "applications": list(Application.objects.order_by("name").values()),
        "their scopes": sorted(Application.objects.values_list("name", "scopes__name"), key=str),
        "apis": list(API.objects.order_by("name").values()),
        "scopes": list(Scope.objects.order_by("name").values()),
        "revocations": Revocation.objects.count(),
    }


def test_the_file_has_the_shape_of_the_contract(demo: Path) -> None:
    seed()
    data = json.loads(demo.read_text())
    assert set(data) == {"issuer", "people", "applications", "apis"}
    assert data["issuer"] == "http://localhost:8000"
    assert {key: set(person) for key, person in data["people"].items()} == {
        "demo": {"email", "password"},
        "admin": {"email", "password"},
    }
    assert {key: set(application) for key, application in data["applications"].items()} == {
        "web": {"client_id", "client_secret", "redirect_uris"},
        "spa": {"client_id", "redirect_uris"},
        "machine": {"client_id", "client_secret", "redirect_uris"},
        "device": {"client_id", "redirect_uris"},
    }
    assert data["applications"]["web"]["redirect_uris"] == ["http://localhost:8000/demo/web/callback"]
    assert data["applications"]["spa"]["redirect_uris"] == ["http://localhost:8000/demo/"]
    assert set(data["apis"]["demo"]) == {"identifier", "client_id", "client_secret", "scopes", "url"}
    assert data["apis"]["demo"]["scopes"] == ["orders:read", "orders:write"]
    assert data["apis"]["demo"]["url"] == "http://localhost:8000/demo/api/orders/"


def test_only_its_owner_may_read_the_file(demo: Path) -> None:
    seed()
    assert stat.S_IMODE(demo.stat().st_mode) == 0o600
    assert [path.name for path in demo.parent.iterdir()] == ["demo.json"]


def test_passwords_and_secrets_are_the_files_and_no_two_are_alike() -> None:
    data = seed()
    for key in ("demo", "admin"):
        person = data["people"][key]
        assert User.objects.get(email=person["email"]).check_password(person["password"])
    secrets = [data["applications"]["web"]["client_secret"], data["applications"]["machine"]["client_secret"]]
    assert [Application.objects.get(kind=kind).client_secret for kind in ("web", "machine")] == list(
        map(hashed, secrets)
    )
    api = data["apis"]["demo"]
    assert API.objects.get(client_id=api["client_id"]).client_secret == hashed(api["client_secret"])
    passwords = [person["password"] for person in data["people"].values()]
    assert len({*secrets, *passwords, api["client_secret"]}) == 5


def test_people_can_sign_in_and_have_their_roles() -> None:
    seed()
    person, operator = User.objects.get(email="demo@example.com"), User.objects.get(email="admin@example.com")
    assert not person.is_staff and not person.is_superuser and person.name and person.locale
    assert operator.is_staff and operator.is_superuser
    assert [role.name for role in person.roles.all()] == ["customer"]
    assert [role.name for role in operator.roles.all()] == ["operator"]
    assert EmailAddress.objects.filter(verified=True, primary=True).count() == 2


def test_applications_ask_for_consent_and_may_ask_for_the_apis_scopes() -> None:
    seed()
    for application in Application.objects.all():
        application.full_clean()
        assert not application.skip_authorization
        assert application.publisher and application.client_uri and application.policy_uri and application.tos_uri
        scopes = {scope.name for scope in application.scopes.all()}
        assert {"orders:read", "orders:write"} <= scopes
        assert ("account:read" in scopes) == (application.kind != "machine")
    assert Application.objects.get(kind="spa").allowed_origins == "http://localhost:8000"


def test_a_second_run_changes_nothing_and_is_quick(demo: Path) -> None:
    seed()
    before, file_before = rows(), demo.stat().st_mtime_ns
    with CaptureQueriesContext(
        connection,
    ) as queries:
        seed()
    assert rows() == before
    assert demo.stat().st_mtime_ns == file_before
    assert len(queries) < 25


def test_a_second_run_leaves_alone_what_people_changed() -> None:
    seed()
    user = User.objects.get(email="demo@example.com")
    user.set_password("a new password of her own")
    user.save()
    Application.objects.filter(kind="web").update(name="Renamed", client_secret=hashed("rolled"), is_active=False)
    Scope.objects.filter(name="orders:read").update(title="Reworded")
    API.objects.filter(client_id="authcenter").update(name="Renamed too")
    before = rows()
    seed()
    assert rows() == before


def test_a_lost_database_gets_the_files_values() -> None:
    data = seed()
    User.objects.all().delete()
    Application.objects.all().delete()
    API.objects.all().delete()
    assert seed() == data
    assert User.objects.get(email="demo@example.com").check_password(data["people"]["demo"]["password"])
    assert Application.objects.get(kind="web").client_id == data["applications"]["web"]["client_id"]
    assert API.objects.get(name="Demo orders").client_secret == hashed(data["apis"]["demo"]["client_secret"])


@pytest.mark.parametrize("damage", ["lost", "cut", "incomplete", "not an object"])
def test_a_lost_file_gets_new_values_for_the_rows_that_are_there(demo: Path, damage: str) -> None:
    old = seed()
    users, applications = User.objects.count(), Application.objects.count()
    if damage == "lost":
        demo.unlink()
    else:
        incomplete = deepcopy(old)
        del incomplete["people"]["demo"]["password"]
        demo.write_text(
            {"cut": json.dumps(old)[:-40], "incomplete": json.dumps(incomplete), "not an object": "[]"}[damage]
        )
    new = seed()
    assert json.loads(demo.read_text()) == new
    assert new["people"]["demo"]["password"] != old["people"]["demo"]["password"]
    assert User.objects.get(email="demo@example.com").check_password(new["people"]["demo"]["password"])
    web = Application.objects.get(kind="web")
    assert web.client_secret == hashed(new["applications"]["web"]["client_secret"])
    assert web.client_id == new["applications"]["web"]["client_id"]
    assert (User.objects.count(), Application.objects.count()) == (users, applications)
    assert Revocation.objects.filter(kind="user").count() == 2  # what the old passwords had opened is closed


def test_a_file_of_another_database_wins_over_the_rows(demo: Path) -> None:
    elsewhere = seed()
    demo.unlink()
    seed()
    demo.write_text(json.dumps(elsewhere))
    assert seed() == elsewhere
    assert User.objects.get(email="demo@example.com").check_password(elsewhere["people"]["demo"]["password"])
    assert Application.objects.get(kind="spa").client_id == elsewhere["applications"]["spa"]["client_id"]


def test_another_issuer_moves_every_address_and_keeps_what_was_added(settings: Any) -> None:
    old = seed()
    web = Application.objects.get(kind="web")
    web.redirect_uris += "\nhttps://shop.example.com/callback\nhttp://localhost:80001.example.com/"
    web.save()
    moved_to(settings, "http://localhost:8105")
    new = seed()
    assert new["issuer"] == "http://localhost:8105"
    assert new["people"] == old["people"]
    assert new["applications"]["web"]["client_secret"] == old["applications"]["web"]["client_secret"]
    web.refresh_from_db()
    assert web.redirect_uris.split() == [
        "http://localhost:8105/demo/web/callback",
        "https://shop.example.com/callback",
        "http://localhost:80001.example.com/",
    ]
    spa = Application.objects.get(kind="spa")
    assert (spa.redirect_uris, spa.allowed_origins) == ("http://localhost:8105/demo/", "http://localhost:8105")
    assert {api.identifier for api in API.objects.all()} == {
        "http://localhost:8105/api",
        "http://localhost:8105/demo/api",
    }
    assert not Application.objects.filter(policy_uri__contains="8000").exists()


def test_nothing_is_seeded_where_demo_is_not_set(settings: Any, demo: Path) -> None:
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO"):
        call_command("seed_demo", verbosity=0)
    assert not demo.exists() and not User.objects.exists()


def test_the_own_api_is_there_without_the_demo_and_follows_the_issuer(settings: Any) -> None:
    first = ensure_own_api()
    assert (first.identifier, first.client_secret) == ("http://localhost:8000/api", "")
    assert {scope.name for scope in first.scopes.all()} == {"account:read", "account:write"}
    moved_to(settings, "https://id.example.com")
    assert ensure_own_api().pk == first.pk
    assert API.objects.get().identifier == "https://id.example.com/api"
    assert Scope.objects.count() == 2
