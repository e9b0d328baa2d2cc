"""/account/: one's own profile and recent activity."""

import pytest

from accounts.models import User
from tests.accounts.people import WRONG, sign_in

PATHS = (
    "/account/",
    "/account/security/",
    "/account/activity/",
    "/account/sessions/",
    "/account/sessions/others/",
    "/account/apps/",
)


@pytest.fixture
def alice(person, client):
    user = person("alice@example.com", name="Alice Liddell", phone_number="+49 1", phone_number_verified=True)
    sign_in(client, user.email)
    return user


def save(client, **changes):
    fields = (
        "name",
        "given_name",
        "family_name",
        "preferred_username",
        "website",
        "zoneinfo",
        "locale",
        "phone_number",
    )
    present = {name: getattr(User.objects.get(email="alice@example.com"), name) for name in fields}
    return client.post("/account/", {**present, **changes})


@pytest.mark.parametrize("path", PATHS)
def test_takes_a_sign_in(client, path):
    assert client.get(path)["Location"] == f"/accounts/login/?next={path}"
    assert client.post(path)["Location"] == f"/accounts/login/?next={path}"


@pytest.mark.parametrize("path", PATHS)
def test_is_not_kept_by_a_cache(client, alice, path):
    answer = client.get(path)
    assert answer.status_code == 200 and "no-store" in answer["Cache-Control"]


def test_the_profile_is_saved(client, alice):
    answer = save(client, name="Alice Hargreaves", zoneinfo="Europe/London", locale="en-GB", website="example.com")
    assert answer.status_code == 302, answer.content.decode()
    alice.refresh_from_db()
    assert (alice.name, alice.zoneinfo, alice.website) == ("Alice Hargreaves", "Europe/London", "https://example.com")


def test_fields_say_what_they_are_for(client, alice):
    """WCAG 1.3.5: a browser can fill them in."""
    page = client.get("/account/").content.decode()
    for token in ("name", "given-name", "family-name", "nickname", "url", "language", "tel"):
        assert f'autocomplete="{token}"' in page, token


def test_a_new_phone_number_is_not_verified(client, alice):
    save(client, name="Alice")
    assert User.objects.get().phone_number_verified
    save(client, phone_number="+49 2")
    assert not User.objects.get().phone_number_verified


@pytest.mark.parametrize(
    "changes",
    [
        {"zoneinfo": "Mars/Olympus"},
        {"zoneinfo": "../../etc/passwd"},
        {"website": "javascript:alert(1)"},
        {"locale": "<script>"},
        {"name": "x" * 256},
        {"name": "a\x00b"},
    ],
    ids=str,
)
def test_nonsense_is_refused(client, alice, changes):
    answer = save(client, **changes)
    assert answer.status_code == 200 and 'class="errors"' in answer.content.decode()


def test_nobody_gives_herself_more(client, alice):
    save(
        client, is_staff="on", is_superuser="on", epoch="0", email="bob@example.com", phone_number_verified="on", id="1"
    )
    user = User.objects.get()
    assert (user.pk, user.email, user.is_staff, user.is_superuser) == (alice.pk, "alice@example.com", False, False)


def test_saving_does_not_put_back_a_raised_epoch(client, alice, monkeypatch):
    from accounts.forms import ProfileForm

    real = ProfileForm.clean_zoneinfo

    def slow(self):
        User.objects.update(epoch=5)
        return real(self)

    monkeypatch.setattr(ProfileForm, "clean_zoneinfo", slow)
    save(client, name="Other")
    assert User.objects.get().epoch == 5 and User.objects.get().name == "Other"


def test_names_are_escaped(client, alice):
    save(client, name="<script>alert(1)</script>", preferred_username='"><img src=x onerror=alert(1)>')
    for path in PATHS:
        text = client.get(path).content.decode()
        assert "<script>alert" not in text and "<img src=x" not in text


def test_recent_activity_shows_refusals_too(client, browser, alice, person):
    sign_in(browser(REMOTE_ADDR="203.0.113.9"), alice.email, WRONG)
    sign_in(browser(REMOTE_ADDR="203.0.113.10"), person("bob@example.com").email, WRONG)
    text = client.get("/account/security/").content.decode()
    assert "sign-in refused" in text.lower() and "203.0.113.9" in text
    assert "203.0.113.10" not in text, "another's"


def test_other_methods_are_refused(client, alice):
    assert client.post("/account/security/").status_code == 405
    assert client.delete("/account/").status_code == 405


def test_errors_are_pages_of_ours(client):
    answer = client.get("/no/such/page")
    assert answer.status_code == 404 and "There is nothing here" in answer.content.decode()


def test_our_own_fault_is_a_page_that_needs_nothing(rf, monkeypatch):
    """Neither the database nor the context that other pages have: they may be what is broken."""
    from django.views.defaults import server_error

    def broken(*args, **kwargs):
        raise RuntimeError

    monkeypatch.setattr("accounts.pages.site", broken)
    monkeypatch.setattr("django.templatetags.static.StaticNode.handle_simple", broken)
    answer = server_error(rf.get("/"))
    assert answer.status_code == 500 and "Something went wrong" in answer.content.decode()


def test_the_bare_address_leads_to_ones_own_account(client, person, sign_in):
    assert client.get("/")["Location"] == "/account/"
    assert client.get("/", follow=True).redirect_chain[-1][0].startswith("/accounts/login/")
    sign_in(client, person())
    assert client.get("/", follow=True).status_code == 200
