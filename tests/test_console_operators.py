"""An operator who is no superuser gives nobody rights that he does not have (attacks AD-01 to AD-05)."""

import pytest

from tests.console_pages import allow, confirm, saved, submit

pytestmark = pytest.mark.django_db

EVERYTHING = (
    "accounts.view_user",
    "accounts.add_user",
    "accounts.change_user",
    "accounts.delete_user",
    "account.change_emailaddress",
    "account.delete_emailaddress",
    "auth.view_group",
    "auth.add_group",
    "auth.change_group",
    "auth.delete_group",
    "oauth.view_application",
    "oauth.add_application",
    "oauth.change_application",
    "oauth.delete_application",
    "signins.view_session",
    "signins.change_session",
    "oauth.view_authorization",
    "oauth.change_authorization",
)
CRAFTED = {
    "is_staff": "on",
    "is_superuser": "on",
    "groups": ["1", "2"],
    "user_permissions": ["1", "2", "3"],
    "epoch": "9",
    "password": "!",
}


@pytest.fixture
def root(person):
    return person("root@example.com", is_staff=True, is_superuser=True)


@pytest.fixture
def operator(person, client, sign_in):
    user = allow(person("oscar@example.com", is_staff=True), *EVERYTHING)
    sign_in(client, user)
    return user


def address(user, act="change"):
    return f"/admin/accounts/user/{user.pk}/{act}/"


def test_an_operator_cannot_promote_himself(client, operator):
    assert client.post(address(operator), {"email": operator.email, **CRAFTED}).status_code == 403
    operator.refresh_from_db()
    assert not operator.is_superuser
    assert operator.groups.count() == 0


def test_an_operator_cannot_promote_anybody(client, operator, person):
    from django.contrib.auth.models import Group

    Group.objects.create(name="powerful")
    alice = person()
    password = alice.password
    saved(client, address(alice), name="Alice", **CRAFTED)
    alice.refresh_from_db()
    assert alice.name == "Alice"
    assert (alice.is_staff, alice.is_superuser, alice.epoch) == (False, False, 0)
    assert alice.password == password
    assert alice.groups.count() == alice.user_permissions.count() == 0


def test_an_operator_cannot_add_a_superuser(client, operator):
    from accounts.models import User

    crafted = {"email": "new@example.com", "name": "New", "password1": "x", "password2": "x", **CRAFTED}
    assert client.post("/admin/accounts/user/add/", crafted).status_code == 302
    new = User.objects.get(email="new@example.com")
    assert (new.is_staff, new.is_superuser, new.has_usable_password()) == (False, False, False)
    assert new.groups.count() == 0


@pytest.mark.parametrize("act", ["change", "delete", "revoke", "reset"])
@pytest.mark.parametrize("rank", ["superuser", "operator", "himself"])
def test_an_operator_cannot_touch_operators(client, operator, person, root, rank, act):
    from authcenter.sessions.models import Revocation

    target = {"superuser": root, "himself": operator}.get(rank) or person("other@example.com", is_staff=True)
    before = (target.password, target.epoch)
    crafted = {"email": "evil@example.com", "post": "yes", "confirmed": "yes"}
    assert client.post(address(target, act), crafted).status_code == 403
    target.refresh_from_db()
    assert (target.password, target.epoch) == before
    assert target.email != "evil@example.com"
    assert not Revocation.objects.exists()


def test_bulk_actions_leave_operators_alone(client, operator, person, root):
    alice = person()
    chosen = {"action": "revoke_selected", "_selected_action": [str(root.pk), str(alice.pk)]}
    assert confirm(client, "/admin/accounts/user/", **chosen).status_code == 302
    root.refresh_from_db()
    alice.refresh_from_db()
    assert (root.epoch, alice.epoch) == (0, 1)
    chosen["action"] = "delete_selected"
    assert client.post("/admin/accounts/user/", {**chosen, "post": "yes"}).status_code == 403


def test_an_operator_cannot_end_a_superusers_session(client, operator, root):
    from django.test import Client

    from authcenter.sessions.models import Session

    browser = Client(HTTP_HOST="localhost")
    browser.post("/accounts/login/", {"login": root.email, "password": "correct horse battery 7"})
    session = Session.objects.get(user=root)
    assert confirm(client, f"/admin/signins/session/{session.pk}/end/").status_code == 302
    session.refresh_from_db()
    assert session.ended is None


def test_an_address_of_a_superuser_cannot_be_verified_through_the_form_of_another(client, operator, person, root):
    from allauth.account.models import EmailAddress

    stranger = EmailAddress.objects.create(user=root, email="spare@example.com", verified=False)
    alice = person()
    own = EmailAddress.objects.get(user=alice)
    crafted = {"emailaddress_set-0-id": str(stranger.pk), "emailaddress_set-0-verified": "on"}
    submit(client, address(alice), **crafted)
    stranger.refresh_from_db()
    own.refresh_from_db()
    assert not stranger.verified
    assert stranger.user_id == root.pk


def test_groups_are_for_superusers(client, operator):
    from django.contrib.auth.models import Group

    group = Group.objects.create(name="powerful")
    assert client.get("/admin/auth/group/").status_code == 200
    for path in ("add", f"{group.pk}/change", f"{group.pk}/delete"):
        crafted = {"name": "mine", "permissions": ["1"], "post": "yes"}
        assert client.post(f"/admin/auth/group/{path}/", crafted).status_code == 403
    assert list(Group.objects.values_list("name", flat=True)) == ["powerful"]


def test_an_operator_makes_no_application_first_party(client, operator, application):
    app, _secret = application()
    saved(client, f"/admin/oauth/application/{app.pk}/change/", skip_authorization="on", publisher="Us")
    app.refresh_from_db()
    assert (app.publisher, app.skip_authorization) == ("Us", False)


def test_an_operator_cannot_turn_a_first_party_application(client, operator, application):
    app, _secret = application(skip_authorization=True)
    here = f"/admin/oauth/application/{app.pk}"
    secret = app.client_secret
    for act in ("change", "delete", "roll-secret"):
        crafted = {"redirect_uris": "https://evil.test/cb", "confirmed": "yes", "post": "yes"}
        assert client.post(f"{here}/{act}/", crafted).status_code == 403
    app.refresh_from_db()
    assert (app.redirect_uris, app.client_secret) == ("https://rp.example/cb", secret)
    assert confirm(client, f"{here}/revoke/").status_code == 302  # to end access is always safe
    app.refresh_from_db()
    assert app.epoch == 1


def test_who_may_only_look_changes_nothing(client, person, application, root, sign_in):
    from authcenter.keys.models import Key
    from authcenter.oauth.models import API, Authorization
    from authcenter.sessions.models import Revocation, Session

    names = [permission for permission in _all_permissions() if ".view_" in permission]
    viewer = allow(person("vera@example.com", is_staff=True), *names)
    alice = person()
    app, _secret = application()
    authorization = Authorization.objects.create(user=alice, application=app)
    api = API.objects.create(name="Orders", identifier="https://orders.example")
    sign_in(client, viewer)
    session, key = Session.objects.get(), Key.objects.filter(state="active").first()
    for path in (
        f"accounts/user/{alice.pk}/change",
        f"accounts/user/{alice.pk}/delete",
        f"accounts/user/{alice.pk}/revoke",
        f"accounts/user/{alice.pk}/reset",
        "accounts/user/add",
        f"oauth/application/{app.pk}/change",
        f"oauth/application/{app.pk}/delete",
        f"oauth/application/{app.pk}/roll-secret",
        f"oauth/application/{app.pk}/revoke",
        "oauth/application/add",
        f"oauth/api/{api.pk}/change",
        f"oauth/api/{api.pk}/roll-secret",
        f"oauth/authorization/{authorization.pk}/withdraw",
        f"signins/session/{session.pk}/end",
        f"keys/key/{key.pk.replace('_', '_5F')}/rotate",
        f"keys/key/{key.pk.replace('_', '_5F')}/revoke",
        "keys/key/rotate",
    ):
        assert client.post(f"/admin/{path}/", {"confirmed": "yes", "post": "yes"}).status_code == 403, path
    assert client.get(f"/admin/accounts/user/{alice.pk}/change/").status_code == 200
    assert not Revocation.objects.exists()


def test_a_superuser_does_not_lock_himself_out(client, root, sign_in):
    sign_in(client, root)
    saved(client, address(root), name="Root", is_active=None, is_superuser=None, is_staff=None)
    root.refresh_from_db()
    assert (root.name, root.is_active, root.is_staff, root.is_superuser) == ("Root", True, True, True)
    assert client.post(address(root, "delete"), {"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [str(root.pk)], "post": "yes"}
    assert client.post("/admin/accounts/user/", chosen).status_code == 403


def test_a_superuser_hands_out_rights(client, root, person, sign_in):
    from authcenter.console.operators import _MAY, ensure_operators_group

    group = ensure_operators_group()
    assert group.permissions.count() == sum(len(acts) for acts in _MAY.values())  # none is misspelt
    alice = person()
    sign_in(client, root)
    saved(client, address(alice), is_staff="on", groups=[str(group.pk)])
    alice.refresh_from_db()
    assert alice.is_staff
    assert alice.has_perm("oauth.change_application")
    assert not alice.has_perm("keys.change_key")


def _all_permissions():
    from django.contrib.auth.models import Permission

    return [f"{p.content_type.app_label}.{p.codename}" for p in Permission.objects.select_related("content_type")]


def test_groups_cannot_be_crafted_into_any_form(client, operator, person):
    """`groups` is a declared field of the form: it must be gone for who is no superuser, on the add page too."""
    from django.contrib.auth.models import Group

    from accounts.models import User

    group = Group.objects.create(name="powerful")
    client.post("/admin/accounts/user/add/", {"email": "new@example.com", "groups": [str(group.pk)]})
    assert User.objects.get(email="new@example.com").groups.count() == 0
    alice = person()
    saved(client, address(alice), groups=[str(group.pk)])
    assert alice.groups.count() == 0


def test_a_group_keeps_the_permissions_that_its_form_does_not_show(client, root, sign_in):
    from django.contrib.auth.models import Group, Permission

    hidden = Permission.objects.get(content_type__app_label="contenttypes", codename="view_contenttype")
    shown = Permission.objects.get(codename="view_user")
    group = Group.objects.create(name="old")
    group.permissions.set([hidden])
    sign_in(client, root)
    saved(client, f"/admin/auth/group/{group.pk}/change/", permissions=[str(shown.pk)])
    assert set(group.permissions.all()) == {hidden, shown}


def test_what_an_operator_may_not_choose_is_still_there_for_a_superuser(client, operator, root, application, sign_in):
    """Forms share their fields within a process: what is taken from one is not taken from the next."""
    app, _secret = application()
    here = f"/admin/oauth/application/{app.pk}/change/"
    offered = 'name="grant_types" value="password"'
    assert offered not in client.get(here).content.decode()
    client.post("/accounts/logout/")
    sign_in(client, root)
    assert offered in client.get(here).content.decode()
