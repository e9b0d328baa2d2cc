"""Rubbish in the addresses and forms of the console gets a page or a refusal, no server error; lists stay cheap."""

import json
from datetime import timedelta
from itertools import product

import pytest
from django.utils import timezone

from tests.console_pages import fields
from tests.sampling import a_part

pytestmark = pytest.mark.django_db

LISTS = (
    "accounts/user",
    "accounts/role",
    "accounts/group",
    "accounts/organisation",
    "accounts/membership",
    "accounts/organisationinvitation",
    "auth/group",
    "oauth/application",
    "oauth/api",
    "oauth/scope",
    "oauth/authorization",
    "oauth/family",
    "signins/session",
    "signins/revocation",
    "outbox/delivery",
    "keys/key",
    "audit/auditevent",
)
NAMES = (
    "q",
    "p",
    "o",
    "all",
    "e",
    "_facets",
    "_popup",
    "_to_field",
    "_changelist_filters",
    "alive",
    "living",
    "kind__in",
    "kind__exact",
    "at_from_0",
    "at_from_1",
    "at_to_0",
    "date_joined__gte",
    "application__id__exact",
    "api__id__exact",
    "roles__id__exact",
    "groups__id__in",
    "is_active__exact",
    "is_active__isnull",
    "id__exact",
    "id__in",
    "pk",
    "pk__gt",
    "user",
    "user__id__exact",
    "epoch__lt",
    "created__year",
    "password__startswith",
    "nothing__at__all",
    "1",
)
RUBBISH = (
    "",
    "x",
    "1",
    "yes",
    "-1",
    "999999",
    "9" * 30,
    "9" * 5000,
    "1e999",
    "\x00",
    "a\x00b",
    "\ud800",
    "'",
    '"',
    "%",
    "0001-01-01",
    "9999-12-31",
    "9999-12-31 23:59:59",
    "23:59:59",
    "2026-13-45",
    "a " * 1500,
    ".".join(["1", "-2"] * 1500),
    "id",
    "client_secret",
    "password",
    "True",
    "[]",
)


@pytest.fixture
def root(person, client, sign_in):
    user = person("root@example.com", is_staff=True, is_superuser=True)
    sign_in(client, user)
    client.raise_request_exception = False
    return user


@pytest.fixture
def without_frame(monkeypatch, settings, tmp_path):
    """The side bar and the header of a list are the same whatever is asked, and half of the work."""
    from authcenter.console.site import site

    for name in ("admin/nav_sidebar.html", "unfold/helpers/header.html", "unfold/layouts/skeleton.html"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("{% block base %}{% endblock %}" if "skeleton" in name else "")
    [engine] = settings.TEMPLATES
    settings.TEMPLATES = [{**engine, "DIRS": [tmp_path, *engine["DIRS"]]}]
    seen, real = [], site.each_context
    monkeypatch.setattr(site, "each_context", lambda request: dict((seen or seen.append(real(request)) or seen)[0]))
    monkeypatch.setattr("django.test.client.store_rendered_templates", lambda *_args, **_named: None)


def encoded(name, value):
    from urllib.parse import quote

    return f"{quote(name)}={quote(value.encode('utf-8', 'surrogatepass'))}"


def means_something(path, name):
    """Whether this list looks at the value at all; names of other models' columns are refused whatever it is."""
    from django.apps import apps

    columns = {field.name for field in apps.get_model(*path.split("/"))._meta.get_fields()}
    return "__" not in name or name.split("__")[0] in columns | {"kind", "at", "pk"}


@pytest.mark.filterwarnings("default:DateTimeField .* received a naive datetime")  # an operator typed a date
@pytest.mark.parametrize("path", LISTS)
def test_rubbish_in_the_address_of_a_list(client, root, rows, without_frame, path):
    """A search gets more of it than other names; each gets a part of it here, and another part at the next list."""
    rows(2)
    for number, name in enumerate(NAMES, LISTS.index(path)):
        part = a_part(RUBBISH, 2 if name == "q" else 6, number)
        for value in part if means_something(path, name) else RUBBISH[1:4]:
            answer = client.get(f"/admin/{path}/?{encoded(name, value)}")
            assert answer.status_code < 500, (name, value[:40])


@pytest.mark.parametrize("path", LISTS)
def test_rubbish_in_the_selection_of_an_action(client, root, rows, path):
    rows(2)
    actions = ("delete_selected", "revoke_selected", "end_selected", "withdraw_selected", "x")
    beside = (
        {},
        {"index": "x"},
        {"index": "9" * 30},
        {"select_across": "x", "post": "yes", "confirmed": "yes"},
    )
    for number, (action, chosen) in enumerate(product(actions, ("x", "9" * 30, "\x00", "-1", ""))):
        for more in a_part(beside, 2, number + LISTS.index(path)):
            data = {"action": action, "_selected_action": [chosen], **more}
            answer = client.post(f"/admin/{path}/", data)
            assert answer.status_code < 500, (action, chosen, more)


@pytest.fixture
def rows(person, application):
    """Makes so many rows for every list."""

    def make(many):
        from django.contrib.auth.models import Group, Permission

        from accounts.models import Role
        from authcenter.audit.models import AuditEvent
        from authcenter.keys.models import Key
        from authcenter.oauth.models import API, Authorization, Scope
        from authcenter.outbox.models import Delivery
        from authcenter.sessions.models import Revocation, Session
        from tests.test_console_records import new_family

        now = timezone.now()
        for number in range(many):
            user = person(f"p{number}@example.com", password=None)
            user.roles.add(Role.objects.create(name=f"role-{number}"))
            group = Group.objects.create(name=f"group-{number}")
            group.permissions.add(Permission.objects.first())
            user.groups.add(group)
            api = API.objects.create(name=f"API {number}", identifier=f"https://api{number}.example")
            scope = Scope.objects.create(api=api, name=f"s{number}", title="S")
            app, _secret = application(name=f"App {number}", scopes=[scope], user=user)
            session = Session.objects.create(user=user, kind="browser", expires=now + timedelta(1), idle_seconds=60)
            family = new_family(Authorization.objects.create(user=user, application=app, scopes=["openid"]))
            family.session = session
            family.save()
            Revocation.objects.create(sequence=1000 + number, kind="user", subject=user.pk, epoch=1, expires=now)
            Delivery.objects.create(kind="revocation", receiver=api.identifier, target="https://x.example/", message="")
            Key.objects.create(kid=f"k_{number}", algorithm="ES256", state="retired", public_jwk={}, retired=now)
            AuditEvent.objects.create(kind="signed_in", actor=user.pk, subject=session.pk, client_id=app.client_id)

    return make


@pytest.mark.parametrize("path", LISTS)
def test_a_list_of_thirty_asks_as_often_as_one_of_two(client, root, rows, path):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    rows(2)
    client.get(f"/admin/{path}/")
    with CaptureQueriesContext(connection) as few:
        assert client.get(f"/admin/{path}/").status_code == 200
    from django.contrib.auth.models import Group

    from accounts.models import Role, User
    from authcenter.audit.models import AuditEvent
    from authcenter.keys.models import Key
    from authcenter.oauth.models import API
    from authcenter.outbox.models import Delivery
    from authcenter.sessions.models import Revocation

    User.objects.filter(email__startswith="p").delete()
    for model in (Role, Group, AuditEvent, Revocation, Delivery):
        model.objects.all().delete()
    API.objects.filter(identifier__contains=".example").delete()
    Key.objects.filter(kid__startswith="k_").delete()
    rows(30)
    with CaptureQueriesContext(connection) as many:
        assert client.get(f"/admin/{path}/").status_code == 200
    assert len(many) <= max(len(few), 14), [query["sql"][:200] for query in many.captured_queries]


ADDRESSES = (
    "[" * 100000,
    '{"a": NaN}',
    '{"a": 1e999}',
    json.dumps({"a": "\x00"}),
    json.dumps({"a": "\ud800"}),
    json.dumps({"a" * 100000: "x"}),
    json.dumps({"a": {"b": 1}}),
    '{"a": ' + "9" * 5000 + "}",
    "x\x00",
)


@pytest.mark.parametrize("number", range(len(ADDRESSES)))
def test_a_strange_postal_address_is_refused_with_a_reason(client, root, person, number):
    alice = person()
    here = f"/admin/accounts/user/{alice.pk}/change/"
    given = {**fields(client.get(here)), "address": ADDRESSES[number]}
    assert client.post(here, given).status_code == 200
    alice.refresh_from_db()
    assert alice.address == {}
    assert client.get(here).status_code == 200
