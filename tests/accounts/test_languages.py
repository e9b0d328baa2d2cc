"""Which language a page speaks, and the theme: chosen at its foot, asked for by an application, one's own."""

import pytest
from django.conf import settings

from accounts.languages import ASKED_COOKIE

pytestmark = pytest.mark.django_db


def speaks(response):
    return response.content.decode().partition('<html lang="')[2].partition('"')[0]


def choose(client, **choice):
    return client.post("/accounts/preferences/", {"next": "/accounts/login/?next=/account/", **choice})


@pytest.mark.parametrize(("code", "direction"), [("de", "ltr"), ("zh-hans", "ltr"), ("ar", "rtl")])
def test_a_language_chosen_at_the_foot_of_a_page_stays(client, code, direction):
    answer = choose(client, language=code)
    assert answer["Location"] == "/accounts/login/?next=/account/"
    page = client.get("/accounts/signup/", HTTP_ACCEPT_LANGUAGE="fr")
    assert speaks(page) == code and f'dir="{direction}"' in page.content.decode()
    assert page["Content-Language"] == code and "Accept-Language" in page["Vary"]
    assert f'value="{code}" lang="{code}" aria-current="true"' in page.content.decode()


def test_without_a_choice_the_browser_says(client):
    assert speaks(client.get("/accounts/login/", HTTP_ACCEPT_LANGUAGE="pt, en;q=0.5")) == "pt-br"
    assert speaks(client.get("/accounts/login/", HTTP_ACCEPT_LANGUAGE="zh-CN")) == "zh-hans"
    assert speaks(client.get("/accounts/login/", HTTP_ACCEPT_LANGUAGE="tlh")) == "en"


def test_ones_own_language_comes_before_the_browsers_and_after_ones_choice(client, person, sign_in):
    sign_in(client, person(locale="de-AT"))
    for path in ("/account/", "/accounts/password/change/", "/device"):
        assert speaks(client.get(path, HTTP_ACCEPT_LANGUAGE="fr")) == "de", path
    choose(client, language="ja")
    assert speaks(client.get("/account/", HTTP_ACCEPT_LANGUAGE="fr")) == "ja"


def test_a_language_that_nobody_has_here_is_as_none(client, person, sign_in):
    sign_in(client, person(locale="x" * 35))
    choose(client, language="tlh")
    assert settings.LANGUAGE_COOKIE_NAME not in client.cookies
    client.cookies[settings.LANGUAGE_COOKIE_NAME] = "../../etc"
    assert speaks(client.get("/account/")) == "en"


def test_what_an_application_asks_for_counts_on_the_pages_of_its_request_alone(client, person, sign_in):
    client.cookies[ASKED_COOKIE] = "ar"
    sign_in(client, person(locale="de"))
    assert speaks(client.get("/accounts/logout/")) == "ar"
    assert speaks(client.get("/account/")) == "de"


def test_the_sign_out_page_speaks_the_language_that_is_asked_for(client, person, sign_in):
    sign_in(client, person(locale="de"))
    assert speaks(client.get("/oauth/logout?ui_locales=tlh%20fr")) == "fr"
    choose(client, language="ja")
    assert speaks(client.get("/oauth/logout?ui_locales=fr")) == "ja"


def test_discovery_names_the_languages_as_bcp_47_writes_them(client):
    named = client.get("/.well-known/openid-configuration").json()["ui_locales_supported"]
    assert {"en", "de", "fr", "es", "pt-BR", "zh-Hans", "ja", "ar"} == set(named)


def test_a_theme_is_kept_and_given_up_again(client):
    assert "data-theme" not in client.get("/accounts/login/").content.decode()
    choose(client, theme="dark")
    assert '<html lang="en" dir="ltr" data-theme="dark">' in client.get("/accounts/login/").content.decode()
    choose(client, theme="purple")
    assert 'data-theme="dark"' in client.get("/accounts/login/").content.decode()
    choose(client, theme="")
    assert "data-theme" not in client.get("/accounts/login/").content.decode()


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/", "//evil.example", "javascript:alert(1)", "", "http://["]
)
def test_a_choice_leads_to_no_other_site(client, elsewhere):
    assert client.post("/accounts/preferences/", {"theme": "dark", "next": elsewhere})["Location"] == "/account/"


def test_a_choice_is_made_by_a_form_of_ours_alone(client):
    from django.test import Client

    strict = Client(enforce_csrf_checks=True, HTTP_HOST="localhost")
    assert strict.post("/accounts/preferences/", {"language": "de"}).status_code == 403
    assert client.get("/accounts/preferences/").status_code == 405
