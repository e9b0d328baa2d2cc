"""AD: an operator gives nobody, himself least, what he does not have, and does not touch who is above him."""

import pytest

from tests.attacks.people_rig import NEW, PASSWORD, Crowd, Person, eventually, is_signed_in
from tests.console_pages import confirm, submit

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

PEOPLE = ("accounts.view_user", "accounts.add_user", "accounts.change_user", "accounts.delete_user")
APPLICATIONS = ("oauth.view_application", "oauth.add_application", "oauth.change_application")
CRAFTED = {
    "is_staff": "on",
    "is_superuser": "on",
    "groups": ["1", "2"],
    "user_permissions": ["1", "2", "3"],
    "epoch": "9",
    "password": "!",
    "password1": NEW,
    "password2": NEW,
}
_RANK = """
from accounts.models import User
user = User.objects.get(pk=whom)
answer = [user.email, user.is_active, user.is_staff, user.is_superuser, user.groups.count(),
          user.user_permissions.count(), user.epoch, user.check_password(password)]
"""
_APP = """
from authcenter.oauth.models import Application
from authcenter.oauth.registration import new_application
app, _ = new_application("web", name, redirect_uris="https://rp.example/cb")
app.skip_authorization = first_party
app.save()
answer = [app.pk, app.client_id]
"""
_APP_NOW = """
from authcenter.oauth.models import Application
app = Application.objects.get(pk=pk)
answer = [app.redirect_uris, app.skip_authorization, app.client_secret, app.kind]
"""


def rank(crowd: Crowd, person: Person) -> list:
    return crowd.inside(_RANK, whom=person.id, password=PASSWORD)


def address(person: Person, act: str = "change") -> str:
    return f"/admin/accounts/user/{person.id}/{act}/"


@pytest.fixture(scope="module")
def root(crowd: Crowd) -> Person:
    return crowd.person("root", is_staff=True, is_superuser=True)


def test_ad_01_an_operator_promotes_nobody(crowd: Crowd):
    oscar, console = crowd.operator(*PEOPLE)
    before = rank(crowd, oscar)
    assert console.post(address(oscar), data={"email": oscar.email, **CRAFTED}).status_code == 403
    assert rank(crowd, oscar) == before
    alice = crowd.person("alice")
    assert submit(console, address(alice), name="Alice", **CRAFTED).status_code == 302
    assert rank(crowd, alice) == [alice.email, True, False, False, 0, 0, 0, True]
    assert crowd.events("operator_change", alice.id)[0]["detail"]["fields"] == ["name"]


def test_ad_01_nor_does_he_make_an_operator(crowd: Crowd):
    _oscar, console = crowd.operator(*PEOPLE)
    new = f"made.{crowd.address()}@example.com"
    assert console.post("/admin/accounts/user/add/", data={"email": new, "name": "New", **CRAFTED}).status_code == 302
    made = crowd.inside("from accounts.models import User\nanswer = User.objects.get(email=email).pk", email=new)
    assert rank(crowd, Person(made, new)) == [new, True, False, False, 0, 0, 0, False]
    assert crowd.guess(new, NEW).status_code == 401


@pytest.mark.parametrize("path", ["/admin/auth/group/add/", "/admin/auth/permission/", "/admin/auth/group/"])
def test_ad_01_nor_does_he_make_or_fill_a_group(crowd: Crowd, path):
    every = [f"auth.{act}_group" for act in ("view", "add", "change", "delete")]
    _oscar, console = crowd.operator(*PEOPLE, *every)
    answer = console.post(path, data={"name": "mine", "permissions": ["1", "2", "3"]})
    assert answer.status_code in {403, 404, 200, 302}
    assert not crowd.inside(
        "from django.contrib.auth.models import Group\nanswer = Group.objects.filter(name='mine').count()"
    )


@pytest.mark.parametrize("act", ["change", "delete", "revoke", "reset"])
def test_ad_02_an_operator_does_not_touch_a_superuser(crowd: Crowd, root, act):
    _oscar, console = crowd.operator(*PEOPLE, "account.change_emailaddress", "account.delete_emailaddress")
    before = rank(crowd, root)
    crafted = {"email": "evil@example.com", "is_active": "", "post": "yes", "confirmed": "yes", **CRAFTED}
    assert console.post(address(root, act), data=crafted).status_code == 403
    assert rank(crowd, root) == before
    assert not crowd.mails(root.email)


def test_ad_02_nor_by_an_action_on_a_list(crowd: Crowd, root):
    _oscar, console = crowd.operator(*PEOPLE)
    before = rank(crowd, root)
    for act in ("revoke_selected", "delete_selected"):
        chosen = {"action": act, "_selected_action": [root.id], "confirmed": "yes", "post": "yes"}
        assert console.post("/admin/accounts/user/", data=chosen).status_code in {302, 403}
    assert rank(crowd, root) == before


def test_ad_03_an_operator_bends_no_application_that_skips_consent(crowd: Crowd):
    """Only a superuser makes one and changes what belongs to one: its codes come without asking anybody."""
    _oscar, console = crowd.operator(*APPLICATIONS)
    pk, _client_id = crowd.inside(_APP, name="First-party", first_party=True)
    before = crowd.inside(_APP_NOW, pk=pk)
    at = f"/admin/oauth/application/{pk}"
    crafted = {"name": "Mine", "redirect_uris": "https://evil.test/cb", "skip_authorization": "on"}
    assert console.post(f"{at}/change/", data=crafted).status_code == 403
    assert console.post(f"{at}/roll-secret/", data={"confirmed": "yes"}).status_code == 403
    assert console.post(f"{at}/delete/", data={"post": "yes"}).status_code == 403
    assert crowd.inside(_APP_NOW, pk=pk) == before


def test_ad_03_nor_makes_one_that_does(crowd: Crowd):
    oscar, console = crowd.operator(*APPLICATIONS)
    pk, client_id = crowd.inside(_APP, name="Third-party", first_party=False)
    changed = {"redirect_uris": "https://other.example/cb", "skip_authorization": "on", "client_secret": "known"}
    answer = submit(console, f"/admin/oauth/application/{pk}/change/", **changed)
    assert answer.status_code == 302
    uris, skips, secret, kind = crowd.inside(_APP_NOW, pk=pk)
    assert (uris, skips, kind) == ("https://other.example/cb", False, "web") and secret != "known"
    [event] = crowd.events("operator_change", client_id)
    assert (event["actor"], event["detail"]["fields"]) == (oscar.id, ["redirect_uris"])
    made = {"kind": "web", "name": "Crafted", "redirect_uris": "https://evil.test/cb", "skip_authorization": "on"}
    assert console.post("/admin/oauth/application/add/", data=made).status_code in {200, 302}
    skipping = "from authcenter.oauth.models import Application\n"
    skipping += "answer = Application.objects.filter(name='Crafted', skip_authorization=True).count()"
    assert crowd.inside(skipping) == 0


@pytest.mark.parametrize("record", ["accounts/user", "oauth/application", "oauth/api", "oauth/scope"])
def test_ad_05_who_may_look_may_not_change(crowd: Crowd, record):
    views = ("accounts.view_user", "oauth.view_application", "oauth.view_api", "oauth.view_scope")
    _oscar, console = crowd.operator(*views)
    model = record.replace("/", ".")
    first = crowd.inside(
        "from django.apps import apps\nanswer = apps.get_model(model).objects.order_by('pk')[0].pk", model=model
    )
    at = f"/admin/{record}/{first}"
    assert console.get(f"{at}/change/").status_code == 200
    for act in ("change", "delete"):
        crafted = {"name": "Mine", "email": "mine@example.com", "post": "yes"}
        assert console.post(f"{at}/{act}/", data=crafted).status_code == 403, act
    assert console.post(f"/admin/{record}/add/", data={"name": "Mine"}).status_code == 403
    for act in ("delete_selected", "revoke_selected"):
        chosen = {"action": act, "_selected_action": [str(first)], "post": "yes", "confirmed": "yes"}
        console.post(f"/admin/{record}/", data=chosen)
    counted = "from django.apps import apps\nanswer = apps.get_model(model).objects.filter(pk=pk).count()"
    assert crowd.inside(counted, model=model, pk=str(first)) == 1


@pytest.mark.parametrize("act", ["revoke", "reset"])
def test_ad_05_nor_do_what_ends_access(crowd: Crowd, act):
    alice, (_oscar, console) = crowd.person("alice"), crowd.operator("accounts.view_user", "signins.view_session")
    browser = crowd.signed_in(alice)
    assert console.post(address(alice, act), data={"confirmed": "yes"}).status_code == 403
    assert is_signed_in(browser) and rank(crowd, alice)[6] == 0


def test_ad_11_an_operator_starts_a_reset_and_sees_no_password(crowd: Crowd):
    alice, (oscar, console) = crowd.person("alice"), crowd.operator(*PEOPLE)
    browser, pair = crowd.signed_in(alice), crowd.pair(alice)
    asked = console.get(address(alice, "reset"))
    done = confirm(console, address(alice, "reset"), password=NEW, password1=NEW, password2=NEW)
    assert done.status_code == 302
    page = console.get(done.headers["Location"])
    mail = crowd.mails(alice.email)[-1]
    assert not crowd.codes(alice.email), "the code comes when she asks for it herself"
    assert f"{crowd.url}/accounts/password/reset/" in mail
    assert all('type="password"' not in shown.text for shown in (asked, page))
    assert crowd.guess(alice.email, PASSWORD).status_code == 401
    assert crowd.guess(alice.email, NEW).status_code == 401
    assert not is_signed_in(browser) and not crowd.refreshes(pair)
    eventually(lambda: not crowd.opens(pair["access"]))
    [event] = crowd.events("operator_change", alice.id)
    assert (event["actor"], event["detail"]["act"]) == (oscar.id, "password reset started")
    assert console.get(address(alice, "password")).status_code in {302, 404}


@pytest.mark.parametrize("path", ["/admin/", "/admin/oauth/application/", "/admin/oauth/application/add/"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_ad_15_ordinary_people_are_refused_at_the_console(crowd: Crowd, path, method):
    browser = crowd.signed_in(crowd.person("alice"))
    proof = {"X-CSRFToken": browser.http.cookies["csrf"], "Origin": crowd.url}
    made = {"kind": "web", "name": "Mine", "redirect_uris": "https://evil.test/cb"} if method == "POST" else None
    assert browser.http.request(method, path, data=made, headers=proof).status_code == 403


@pytest.mark.parametrize(
    "path",
    [
        "/oauth/applications/",
        "/oauth/applications/register/",
        "/oauth/register",
        "/developer/",
        "/oauth/authorized_tokens/",
    ],
)
def test_ad_15_there_is_no_other_place_to_register_one(crowd: Crowd, path):
    browser = crowd.signed_in(crowd.person("alice"))
    proof = {"X-CSRFToken": browser.http.cookies["csrf"], "Origin": crowd.url}
    assert browser.http.get(path).status_code == 404
    assert browser.http.post(path, json={"redirect_uris": ["https://evil.test/cb"]}, headers=proof).status_code == 404
