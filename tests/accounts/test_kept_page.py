"""The sign-in page is kept for strangers: each has tokens of her own, and none sees what concerns another."""

import re
from pathlib import Path

import pytest

from accounts import kept_page
from accounts.social.models import IdentityProvider

LOGIN = "/accounts/login/"
TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([A-Za-z0-9]+)"')


@pytest.fixture(autouse=True)
def _database(db):
    pass


@pytest.fixture
def sent(browser, application):
    """Two browsers that two applications have sent here, with the page that each gets and the key of its request."""

    def send(name):
        app, _secret = application(name=name)
        client = browser()
        asked = {
            "response_type": "code",
            "client_id": app.client_id,
            "redirect_uri": "https://rp.example/cb",
            "scope": "openid",
            "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
        }
        answer = client.get("/oauth/authorize", asked)
        return client, answer["Location"], re.search(r"txn%3D([\w-]+)", answer["Location"])[1]

    return send


def test_strangers_share_a_page_but_no_token(browser):
    first, second = browser(), browser()
    pages = [client.get(LOGIN).content.decode() for client in (first, second)]
    assert len(kept_page._pages) == 1 and TOKEN.sub("", pages[0]) == TOKEN.sub("", pages[1])
    tokens = [set(TOKEN.findall(page)) for page in pages]
    assert all(tokens) and not tokens[0] & tokens[1]


def test_the_token_of_a_kept_page_is_good_for_its_own_browser_alone(browser, person):
    alice = person()
    browser().get(LOGIN)
    mine, other = browser(enforce_csrf_checks=True), browser(enforce_csrf_checks=True)
    page = mine.get(LOGIN).content.decode()
    other.get(LOGIN)
    told = {
        "login": alice.email,
        "password": "correct horse battery 7",
        "csrfmiddlewaretoken": TOKEN.search(page)[1],
    }
    assert other.post(LOGIN, told).status_code == 403
    assert mine.post(LOGIN, told).status_code == 302


def test_each_request_keeps_its_own_key_and_its_own_application(sent):
    (one, where, key), (two, there, other) = sent("Shop"), sent("Shop")
    pages = one.get(where).content.decode(), two.get(there).content.decode()
    assert len(kept_page._pages) == 1  # alike but for the keys
    assert key in pages[0] and other not in pages[0]
    assert other in pages[1] and key not in pages[1]
    assert "Shop" in pages[1]
    third, elsewhere, _key = sent("Bakery")
    page = third.get(elsewhere).content.decode()
    assert "Bakery" in page and "Shop" not in page


def test_a_made_up_request_is_not_kept(browser):
    browser().get(f"{LOGIN}?next=/oauth/authorize%3Ftxn%3Dcsrfmiddlewaretoken")
    assert "csrfmiddlewaretoken" in browser().get(LOGIN).content.decode()
    page = browser().get(f"{LOGIN}?next=/oauth/authorize%3Ftxn%3Dsomethingelsealtogether").content.decode()
    assert TOKEN.search(page)


def test_what_an_operator_changes_shows_at_once(browser):
    assert "Continue with Bureau" not in browser().get(LOGIN).content.decode()
    row = IdentityProvider.objects.create(kind="openid", name="Bureau", issuer="https://a.example", client_id="x")
    assert "Continue with Bureau" in browser().get(LOGIN).content.decode()
    row.delete()
    assert "Continue with Bureau" not in browser().get(LOGIN).content.decode()


def test_the_sign_in_of_an_organisation_shows_at_once(browser):
    from accounts.models import Organisation

    button = "Sign in with your organisation"
    assert button not in browser().get(LOGIN).content.decode()
    organisation = Organisation.objects.create(name="Acme")
    told = {"kind": "openid", "name": "Acme", "issuer": "https://a.example", "client_id": "x", "is_shown": False}
    IdentityProvider.objects.create(organisation=organisation, **told)
    assert button in browser().get(LOGIN).content.decode()
    page = browser().get(f"{LOGIN}?organization={organisation.pk}").content.decode()
    assert "Sign in with Acme" in page and "Sign in with Acme" not in browser().get(LOGIN).content.decode()


def test_language_and_theme_have_pages_of_their_own(browser):
    browser().get(LOGIN)
    german = browser(HTTP_ACCEPT_LANGUAGE="de").get(LOGIN).content.decode()
    assert 'lang="de"' in german
    dark = browser()
    dark.cookies["theme"] = "dark"
    assert 'data-theme="dark"' in dark.get(LOGIN).content.decode()
    assert 'data-theme="dark"' not in browser().get(LOGIN).content.decode()


def test_a_refused_or_prefilled_form_is_nobody_elses(browser):
    hinted = browser().get(f"{LOGIN}?login_hint=bob@example.com").content.decode()
    assert "bob@example.com" in hinted
    client = browser()
    client.post(LOGIN, {"login": "carol@example.com", "password": "not the password 1"})
    page = browser().get(LOGIN).content.decode()
    assert "bob@example.com" not in page and "carol@example.com" not in page


def test_the_page_may_not_be_stored_by_browsers_or_proxies(browser):
    browser().get(LOGIN)
    answer = browser().get(LOGIN)
    assert "no-store" in answer["Cache-Control"] and "Cookie" in answer["Vary"]


def test_templates_show_of_an_application_what_is_told_apart():
    shown = set()
    for file in Path("templates").rglob("*.html"):
        shown |= set(re.findall(r"\basking\.(\w+)", file.read_text()))
    assert shown - {"key"} <= set(kept_page.SHOWN)
