"""/account/apps/: what a person allowed, and taking it back."""

import uuid
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from authcenter.oauth.models import API, Authorization, Family, Scope
from authcenter.sessions.models import Revocation
from tests.accounts.people import kinds, sign_in


@pytest.fixture
def alice(person, client):
    user = person("alice@example.com")
    sign_in(client, user.email)
    return user


@pytest.fixture
def allowed(application):
    """Makes an application and what a person allowed it."""

    def make(user, name="Paint Shop", scopes=("openid", "email")):
        app, _secret = application("web", name=name)
        return Authorization.objects.create(user=user, application=app, scopes=list(scopes))

    return make


def test_apps_are_listed_with_their_rights_in_words(client, alice, allowed):
    api = API.objects.create(identifier="https://orders.test/", name="Orders")
    Scope.objects.create(api=api, name="orders:read", title="See your orders")
    allowed(alice, scopes=["openid", "orders:read", "gone:scope"])
    text = client.get("/account/apps/").content.decode()
    assert "Paint Shop" in text and "See your orders" in text and "gone:scope" in text


def test_nobody_sees_anothers(client, alice, allowed, person):
    allowed(person("bob@example.com"))
    assert "You have not connected any app yet." in client.get("/account/apps/").content.decode()


def test_removing_asks_first(client, alice, allowed):
    row = allowed(alice)
    page = client.get(f"/account/apps/{row.pk}/remove/").content.decode()
    assert "Remove the access of Paint Shop?" in page
    row.refresh_from_db()
    assert row.withdrawn is None


def test_removing_withdraws_and_says_so_everywhere(client, alice, allowed):
    row = allowed(alice)
    answer = client.post(f"/account/apps/{row.pk}/remove/", follow=True)
    text = answer.content.decode()
    assert "Paint Shop has no access any more." in text and "You have not connected any app yet." in text
    row.refresh_from_db()
    assert row.withdrawn is not None
    revoked = Revocation.objects.get()
    assert (revoked.kind, revoked.subject) == ("authorization", str(row.pk))
    assert kinds(kind="authorization_withdrawn", subject=str(alice.pk)) == ["authorization_withdrawn"]


def test_its_living_token_is_refused_at_the_next_request(client, alice, application):
    """The whole way: consent, code, token, userinfo, removal."""
    import base64
    import hashlib
    from urllib.parse import parse_qs, urlencode, urlsplit

    app, secret = application("web", name="Paint Shop")
    verifier = "v" * 43
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    query = {
        "client_id": app.client_id,
        "redirect_uri": "https://rp.example/cb",
        "response_type": "code",
        "scope": "openid email",
        "code_challenge": challenge,
        "code_challenge_method": "S256",
    }
    page = client.get(f"/oauth/authorize?{urlencode(query)}", follow=True)
    answer = client.post("/oauth/consent", {"txn": page.context["txn"], "allow": "1"})
    while answer["Location"].startswith("/"):
        answer = client.get(answer["Location"])
    code = parse_qs(urlsplit(answer["Location"]).query)["code"][0]
    basic = base64.b64encode(f"{app.client_id}:{secret}".encode()).decode()
    token = client.post(
        "/oauth/token",
        urlencode(
            {
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": query["redirect_uri"],
                "code_verifier": verifier,
            }
        ),
        content_type="application/x-www-form-urlencoded",
        HTTP_AUTHORIZATION=f"Basic {basic}",
    ).json()["access_token"]
    stranger = Client(HTTP_HOST="localhost", HTTP_AUTHORIZATION=f"Bearer {token}")
    assert stranger.get("/oauth/userinfo").status_code == 200
    row = Authorization.objects.get()
    client.post(f"/account/apps/{row.pk}/remove/")
    assert stranger.get("/oauth/userinfo").status_code == 401


def test_removing_twice_is_404_and_one_line_in_the_log(client, alice, allowed):
    row = allowed(alice)
    assert client.post(f"/account/apps/{row.pk}/remove/").status_code == 302
    assert client.post(f"/account/apps/{row.pk}/remove/").status_code == 404
    assert kinds(kind="authorization_withdrawn") == ["authorization_withdrawn"]


def test_nobody_removes_anothers(client, alice, allowed, person):
    row = allowed(person("bob@example.com"))
    for path in (row.pk, uuid.uuid4(), "1"):
        assert client.get(f"/account/apps/{path}/remove/").status_code == 404
        assert client.post(f"/account/apps/{path}/remove/").status_code == 404
    row.refresh_from_db()
    assert row.withdrawn is None


def test_it_takes_a_token_and_a_sign_in(client, alice, allowed, browser):
    row = allowed(alice)
    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    strict.cookies["session"] = client.cookies["session"].value
    assert strict.post(f"/account/apps/{row.pk}/remove/").status_code == 403
    assert browser().post(f"/account/apps/{row.pk}/remove/")["Location"].startswith("/accounts/login/")
    row.refresh_from_db()
    assert row.withdrawn is None


def test_many_are_paged_and_found(client, alice, allowed):
    for number in range(25):
        allowed(alice, name=f"App number {number:02}")
    first = client.get("/account/apps/").content.decode()
    assert "Page 1 of 2" in first and first.count('class="item"') == 20
    assert client.get("/account/apps/?page=2").content.decode().count('class="item"') == 5
    found = client.get("/account/apps/?q=NUMBER+07").content.decode()
    assert found.count('class="item"') == 1 and "App number 07" in found
    assert "No app of that name." in client.get("/account/apps/?q=nothing").content.decode()


@pytest.mark.parametrize("asked", ["%00", "%", "_", "'", "\\", "<script>alert(1)</script>", "x" * 5000])
def test_any_search_is_answered(client, alice, allowed, asked):
    allowed(alice)
    answer = client.get("/account/apps/", {"q": asked, "page": "-1"})
    assert answer.status_code == 200 and "<script>alert" not in answer.content.decode()
    assert client.get(f"/account/apps/?q={asked}").status_code == 200


def test_names_are_escaped(client, alice, allowed):
    row = allowed(alice, name="<img src=x onerror=alert(1)>")
    for path in ("/account/apps/", f"/account/apps/{row.pk}/remove/"):
        assert "<img src=x" not in client.get(path).content.decode()
    assert "<img src=x" not in client.post(f"/account/apps/{row.pk}/remove/", follow=True).content.decode()


def test_the_statements_do_not_grow_with_the_apps(client, alice, allowed, sql):
    counts = []
    for _ in range(2):
        allowed(alice)
        with sql() as statements:
            client.get("/account/apps/")
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_it_says_whose_it_is_what_is_in_use_and_where_to_read_more(client, alice, allowed):
    row = allowed(alice)
    application = row.application
    application.client_uri, application.policy_uri = "https://paint.example/", "https://paint.example/privacy"
    application.save()
    text = client.get("/account/apps/").content.decode()
    assert "third party" in text and "not in use" in text and "even when you are not using it" not in text
    assert 'href="https://paint.example/privacy"' in text and "Terms" not in text
    now = timezone.now()
    Family.objects.create(
        user=alice,
        application=application,
        authorization=row,
        offline=True,
        auth_time=now,
        user_epoch=0,
        application_epoch=0,
        expires=now + timedelta(days=1),
        absolute_expires=now + timedelta(days=1),
    )
    text = client.get("/account/apps/").content.decode()
    assert "not in use" not in text and "in use" in text and "even when you are not using it" in text


def test_all_are_removed_at_once_and_nobody_elses(client, alice, allowed, person):
    rows = [allowed(alice, name=f"App {number}") for number in range(3)]
    others = allowed(person("bob@example.com"))
    assert "3 apps are connected." in client.get("/account/apps/remove-all/").content.decode()
    assert Authorization.objects.filter(withdrawn=None).count() == 4
    answer = client.post("/account/apps/remove-all/", follow=True).content.decode()
    assert "3 apps have no access any more." in answer and "You have not connected any app yet." in answer
    assert list(Authorization.objects.filter(withdrawn=None)) == [others]
    assert {row.subject for row in Revocation.objects.all()} == {str(row.pk) for row in rows}
    assert kinds(kind="authorization_withdrawn") == ["authorization_withdrawn"] * 3
