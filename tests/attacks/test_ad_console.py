"""AD: the console shows no secret, has the door of everybody, leads nowhere else, and writes down who did what."""

import json
from urllib.parse import urlencode, urljoin

import pytest

from tests.attacks.people_rig import PASSWORD, WRONG, Crowd, Person, bearer
from tests.console_pages import submit
from tests.leaks import told

pytest_plugins = ["tests.attacks.people_fixture"]
pytestmark = pytest.mark.live

_KEPT = """
from django.apps import apps
from accounts.models import User
from authcenter.sessions.models import Session
user = User.objects.get(pk=whom)
answer = [user.password]
for label, columns in (
    ("oauth.Application", ["client_secret"]), ("oauth.API", ["client_secret"]), ("keys.Key", ["private_key"]),
    ("oauth.Family", ["token_hash", "successor"]), ("oauth.Grant", ["code"]), ("signins.Session", ["refresh_jti"]),
    ("sessions.Session", ["session_key", "session_data"]), ("oauth.DeviceGrant", ["device_code", "user_code"]),
):
    model = apps.get_model(label)
    for column in columns:
        answer += [str(value) for value in model.objects.values_list(column, flat=True)[:50] if value]
"""
_EVERY = """
from authcenter.console.site import site
answer = []
for model, model_admin in site._registry.items():
    here = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
    first = model.objects.first()
    answer.append([here, first and model_admin.address_of(first)])
"""
SECRET_COLUMNS = [
    ("accounts/user", "password"),
    ("oauth/application", "client_secret"),
    ("oauth/api", "client_secret"),
    ("keys/key", "private_key"),
    ("oauth/family", "token_hash"),
    ("oauth/family", "successor"),
    ("signins/session", "refresh_jti"),
    ("oauth/authorization", "user__password"),
    ("oauth/authorization", "application__client_secret"),
]


@pytest.fixture(scope="module")
def root(crowd: Crowd):
    return crowd.operator(is_superuser=True)


@pytest.fixture(scope="module")
def alice(crowd: Crowd) -> Person:
    """She has used everything that leaves a secret behind."""
    alice = crowd.person("alice")
    crowd.refreshes(crowd.allowed(crowd.signed_in(alice)))
    crowd.pair(alice)
    return alice


def test_ad_04_no_page_of_the_console_shows_a_secret(crowd: Crowd, root, alice):
    kept = crowd.inside(_KEPT, whom=alice.id)
    assert len(kept) > 10
    # A filter by date has the time as its value, which is as short as a user code but no secret.
    kept = {secret for secret in kept if len(secret) > 8} | crowd.secrets
    for here, first in crowd.inside(_EVERY):
        for path in (here, first, first and first.replace("/change/", "/history/"), first and f"{here}add/"):
            if path is None:
                continue
            page = root[1].get(path, follow_redirects=True)
            assert page.status_code in {200, 403, 404}, path
            assert not told(kept, page.text), path


def test_ad_04_no_search_finds_by_a_secret(crowd: Crowd, root, alice):
    """What a search finds by a secret's beginning spells it out, letter by letter."""
    for here, _first in crowd.inside(_EVERY):
        empty = root[1].get(here, params={"q": "nothing-has-this-in-it"}, follow_redirects=True).text
        for secret in crowd.inside(_KEPT, whom=alice.id)[:5]:
            found = root[1].get(here, params={"q": secret[:60]}, follow_redirects=True).text
            assert found.count("_selected_action") == empty.count("_selected_action") == 0, here


@pytest.mark.parametrize(("record", "column"), SECRET_COLUMNS, ids=lambda value: value.replace("/", "."))
@pytest.mark.parametrize("how", ["startswith", "regex", "contains", "gt"])
def test_ad_04_no_filter_asks_for_a_secret(root, alice, record, column, how):
    answer = root[1].get(f"/admin/{record}/?{urlencode({f'{column}__{how}': 'a'})}")
    assert answer.status_code in {302, 400}
    if answer.status_code == 302:
        assert answer.headers["Location"].endswith("?e=1")  # Django's way to say that there is no such filter


def test_ad_07_the_console_has_no_password_form_of_its_own(crowd: Crowd, root):
    for method in ("GET", "POST"):
        with crowd.client() as client:
            client.get("/accounts/login/")
            proof = {"X-CSRFToken": client.cookies["csrf"], "Origin": crowd.url}
            form = {"username": root[0].email, "password": PASSWORD}
            answer = client.request(method, "/admin/login/", data=form if method == "POST" else None, headers=proof)
            assert answer.status_code == 302
            assert answer.headers["Location"] == "/accounts/login/?next=/admin/"
            assert client.get("/admin/").status_code == 302


def test_ad_07_tokens_do_not_open_the_console(crowd: Crowd, root):
    person, _client = root
    browser = crowd.signed_in(person)
    tokens = [*crowd.pair(person).values(), *crowd.allowed(browser, "openid account:read").values()]
    with crowd.client() as client:
        for token in (token for token in tokens if isinstance(token, str) and token.count(".") == 2):
            for headers in (bearer(token), {"Cookie": f"access={token}"}, {"Cookie": f"session={token}"}):
                answer = client.get("/admin/accounts/user/", headers=headers)
                assert answer.status_code == 302 and answer.headers["Location"].startswith(
                    ("/accounts/login/", "/admin/login/")
                )


def test_ad_07_an_operator_who_is_one_no_more_is_out_at_once(crowd: Crowd):
    person, console = crowd.operator("accounts.view_user")
    assert console.get("/admin/accounts/user/").status_code == 200
    changed = "from accounts.models import User\nUser.objects.filter(pk=whom).update(is_staff=False)"
    crowd.inside(changed, whom=person.id)
    assert console.get("/admin/accounts/user/").status_code == 403


_OLD = """
from datetime import timedelta
from django.utils import timezone
from authcenter.sessions.models import Session
Session.objects.filter(user=whom).update(auth_time=timezone.now() - timedelta(minutes=61))
"""


def test_ad_07_an_hour_after_signing_in_an_operator_proves_himself_again(crowd: Crowd):
    """What he was about to do waits for the password, and is done then."""
    oscar, alice = crowd.person("oscar", is_staff=True, is_superuser=True), crowd.person("alice")
    browser, address = crowd.signed_in(oscar), f"/admin/accounts/user/{alice.id}/change/"
    proof = browser.open(address).form("given_name").fields
    crowd.inside(_OLD, whom=oscar.id)
    assert browser.http.get("/account/").status_code == 200
    assert browser.open(address).page.url.path == "/accounts/reauthenticate/"
    assert browser.submit("password", password=WRONG).page.url.path == "/accounts/reauthenticate/"
    assert browser.submit("password", password=PASSWORD).page.url.path == address
    crowd.inside(_OLD, whom=oscar.id)
    ending = {"csrfmiddlewaretoken": proof["csrfmiddlewaretoken"], "confirmed": "yes"}
    ended = browser.http.post(f"/admin/accounts/user/{alice.id}/revoke/", data=ending, headers={"Origin": crowd.url})
    assert ended.status_code == 302 and not crowd.events("user_revoked", alice.id)
    done = browser.open(ended.headers["Location"]).submit("password", password=PASSWORD)
    assert crowd.events("user_revoked", alice.id), (done.page.status_code, done.page.url, done.page.text[:1500])
    assert crowd.events("user_revoked", alice.id)


@pytest.mark.parametrize(
    "onward",
    [
        "//evil.test",
        "https://evil.test/",
        "/\\evil.test",
        "javascript:alert(1)",
        "https:evil.test",
        "\t//evil.test",
        "%09//evil.test",
    ],
)
def test_ad_08_the_door_leads_to_this_server_only(crowd: Crowd, root, onward):
    for client in (root[1], crowd.client()):
        answer = client.get("/admin/login/", params={"next": onward})
        assert answer.status_code == 302
        assert urljoin(str(answer.url), answer.headers["Location"]).startswith(f"{crowd.url}/")
    browser = crowd.browser().open(f"/accounts/login/?{urlencode({'next': onward})}")
    browser.sign_in(root[0].email, PASSWORD)
    assert browser.left_to == "" and str(browser.page.url).startswith(crowd.url)


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.test"}, {"Origin": "null"}, {"X-CSRFToken": "x" * 32}, {"X-CSRFToken": ""}],
    ids=["another origin", "no origin", "wrong token", "no token"],
)
def test_ad_08_another_site_posts_nothing_to_the_console(crowd: Crowd, root, headers):
    alice = crowd.person("alice")
    address = f"/admin/accounts/user/{alice.id}/revoke/"
    assert root[1].post(address, data={"confirmed": "yes"}, headers=headers).status_code == 403
    assert not crowd.events("user_revoked", alice.id)
    assert root[1].post(address, data={"confirmed": "yes"}).status_code == 302
    assert crowd.events("user_revoked", alice.id)[0]["actor"] == root[0].id


def test_ad_12_each_change_tells_who_what_and_whom_and_no_value(crowd: Crowd, root):
    alice = crowd.person("alice")
    changes = {"name": "Value-of-the-name", "website": "https://value.example/", "is_active": None}
    assert submit(root[1], f"/admin/accounts/user/{alice.id}/change/", **changes).status_code == 302
    [event] = crowd.events("operator_change", alice.id)
    assert event["actor"] == root[0].id and event["address"].startswith("127.9.")
    assert event["detail"] == {"record": "accounts.user", "act": "changed", "fields": ["is_active", "name", "website"]}
    assert crowd.events("user_disabled", alice.id)[0]["actor"] == root[0].id
    assert "Value-of-the-name" not in crowd.server.log()


def test_ad_12_nobody_rewrites_the_log(crowd: Crowd, root):
    [*_, last] = crowd.inside(
        "from authcenter.audit.models import AuditEvent as E\nanswer = [E.objects.order_by('at').last().pk]"
    )
    for act in ("change", "delete"):
        assert root[1].post(f"/admin/audit/auditevent/{last}/{act}/", data={"post": "yes"}).status_code == 403
    chosen = {"action": "delete_selected", "_selected_action": [last], "post": "yes"}
    root[1].post("/admin/audit/auditevent/", data=chosen)
    counted = "from authcenter.audit.models import AuditEvent as E\nanswer = E.objects.filter(pk=pk).count()"
    assert crowd.inside(counted, pk=last) == 1


@pytest.mark.parametrize(
    "forged",
    [
        'x\r\n{"event": "signed_in", "actor": "forged"}',
        "x\n\x1b[2J\x1b[31mforged",
        "x\u2028forged\u0085forged",
        "x\x00forged",
    ],
    ids=["line", "ansi", "separators", "nul"],
)
def test_ad_12_no_text_breaks_a_line_of_the_log(crowd: Crowd, root, forged):
    crowd.guess(forged, WRONG)
    with crowd.client(**{"User-Agent": "x forged", "X-Request-ID": "a b c d e f g h forged"}) as client:
        client.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=(forged.replace(":", ";"), "x"))
        client.get(f"/oauth/authorize?{urlencode({'client_id': forged, 'state': forged})}")
        client.get(f"/nothing/{urlencode({'a': forged})}")
    log = crowd.server.log()
    assert "\x1b" not in log and "\x00" not in log
    for line in log.split("\n"):
        if "forged" in line:
            told = json.loads(line)
            assert told.get("actor") != "forged" and told["event"] != "signed_in"


def test_ad_14_the_demos_passwords_are_random_and_kept_from_others(crowd: Crowd):
    people = crowd.server.demo["people"].values()
    assert len({person["password"] for person in people}) == 2
    assert all(len(person["password"]) >= 16 for person in people)
    assert (crowd.server.data_dir / "demo.json").stat().st_mode & 0o077 == 0
    for person in people:
        for guess in ("admin", "password", "demo", person["email"]):
            assert crowd.guess(person["email"], guess).status_code == 401
