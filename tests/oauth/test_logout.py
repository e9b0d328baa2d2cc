"""/oauth/logout (OpenID Connect RP-Initiated Logout): ends this browser's session, when its person or proof says so."""

import pytest
from django.test import Client
from django.utils.http import urlencode

from authcenter.oauth.models import Application, Family
from authcenter.sessions.models import Revocation, Session
from tests.oauth.flow import (
    HOST,
    Browser,
    answer,
    assert_bearer_401,
    assert_page,
    assert_refused,
    refresh,
    stored,
    tokens,
    userinfo,
)

BYE = "https://rp1.test/bye"


@pytest.fixture
def got(web, alice, browser):
    return tokens(web, alice, browser)


def logout(browser, method="get", **sent):
    form = urlencode({name: value for name, value in sent.items() if value is not None}, doseq=True)
    if method == "post":
        return browser.http.post("/oauth/logout", form, content_type="application/x-www-form-urlencoded")
    return browser.get(f"/oauth/logout?{form}")


def alive(browser):
    return Session.objects.get(pk=browser.sid).ended is None


def asks(response):
    """The confirmation page: 200, a form, and nothing has happened."""
    assert response.status_code == 200 and "Location" not in response
    assert "confirm" in response.content.decode() and "no-store" in response["Cache-Control"]


def test_a_hint_of_this_session_logs_out_without_question_and_goes_back(browser, got):
    sid = browser.sid
    response = logout(browser, id_token_hint=got["id_token"], post_logout_redirect_uri=BYE, state="s&t=é")
    assert response.status_code == 303 and response["Location"].startswith(BYE + "?")
    assert answer(response["Location"]) == {"state": "s&t=é"}
    assert Session.objects.get(pk=sid).ended and "sid" not in browser.http.session


def test_state_only_comes_back_where_it_was_sent(browser, got):
    assert logout(browser, id_token_hint=got["id_token"], post_logout_redirect_uri=BYE)["Location"] == BYE


def test_lo_09_after_logout_everything_of_the_session_is_dead(web, browser, alice, got):
    online, offline = got, tokens(web, alice, browser, scope="openid offline_access")
    logout(browser, id_token_hint=got["id_token"])
    assert_bearer_401(userinfo(online["access_token"]))
    assert_refused(refresh(web, online["refresh_token"]), 400, "invalid_grant")
    assert userinfo(offline["access_token"]).status_code == 200  # the documented policy: it outlives a sign-out
    assert refresh(web, offline["refresh_token"]).status_code == 200
    assert "login_required" in browser.authorize(web, prompt="none")["Location"]
    assert Revocation.objects.get().kind == "session"


def test_logout_ends_this_session_and_no_other(web, alice, browser, got):
    other = Browser()
    theirs = tokens(web, alice, other)
    logout(browser, id_token_hint=got["id_token"])
    assert alive(other) and userinfo(theirs["access_token"]).status_code == 200


# --- post_logout_redirect_uri (LO-01) -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "uri",
    [
        BYE + "/", BYE + "?x=1", BYE + "#", BYE + "#x", "https://evil@rp1.test/bye", "https://rp1.test@evil.test/bye",
        "https://rp1.test/./bye", "https://rp1.test/x/../bye", "https://rp1.test/%62ye", "https://rp1.test.evil.test/bye",
        "https://evilrp1.test/bye", "https://RP1.test/bye", "https://rp1.test:443/bye", "http://rp1.test/bye",
        "//rp1.test/bye", "/bye", " " + BYE, BYE + "\n", BYE + "\r\nX: 1", "https://rp1.test\\@evil.test",
        "javascript:alert(1)",
        "https://rp1.test/cb", "https://evil.test/", f"{BYE} https://evil.test",
    ],
)  # fmt: skip
@pytest.mark.parametrize("hinted", [True, False])
def test_lo_01_no_redirect_but_to_the_registered_uri(web, browser, got, uri, hinted):
    who = {"id_token_hint": got["id_token"]} if hinted else {"client_id": web.id}
    assert_page(logout(browser, post_logout_redirect_uri=uri, **who))
    assert alive(browser)


def test_lo_01_no_redirect_without_knowing_for_whom(browser, got):
    assert_page(logout(browser, post_logout_redirect_uri=BYE))
    assert_page(logout(Browser(), post_logout_redirect_uri=BYE))


def test_lo_01_not_to_another_application_s_uri(web2, browser, got):
    assert_page(logout(browser, client_id=web2.id, post_logout_redirect_uri=BYE))


# --- Who may (LO-02 to LO-07) ---------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["get", "post"])
def test_lo_02_lo_07_without_a_hint_the_person_is_asked(web, browser, got, method):
    before = stored()
    asks(logout(browser, method))
    asks(logout(browser, method, client_id=web.id, post_logout_redirect_uri=BYE))
    assert stored() == before and alive(browser)


def test_lo_02_the_answer_is_protected_against_forgery(browser, got):
    client = Client(enforce_csrf_checks=True, HTTP_HOST=HOST)
    client.cookies.update(browser.http.cookies)
    assert client.post("/oauth/logout/confirm", {"confirm": "1"}).status_code == 403
    assert client.get("/oauth/logout/confirm?confirm=1").status_code == 405
    assert alive(browser)


def test_lo_02_yes_means_yes(web, browser, got):
    sid = browser.sid
    browser.open("/oauth/logout?" + urlencode({"client_id": web.id, "post_logout_redirect_uri": BYE, "state": "s"}))
    browser.submit("confirm", press="confirm")
    assert browser.left_to == BYE + "?state=s" and Session.objects.get(pk=sid).ended


def test_lo_02_the_answer_s_fields_are_checked_again(web, browser, got):
    browser.open("/oauth/logout?" + urlencode({"client_id": web.id, "post_logout_redirect_uri": BYE}))
    assert_page(browser.post_form(browser.form("confirm"), "confirm", post_logout_redirect_uri="https://evil.test"))
    for bad in ("a\x00b", "é", "x" * 300):
        assert_page(browser.post_form(browser.form("confirm"), "confirm", client_id=bad))
    assert alive(browser)


def test_lo_03_the_hint_of_another_person(web, alice, bob, browser, got):
    hers = tokens(web, bob, Browser())["id_token"]
    asks(logout(browser, id_token_hint=hers))
    assert alive(browser) and Session.objects.filter(ended=None).count() == 2


def test_lo_03_the_hint_of_an_earlier_session_of_the_same_person(web, alice, browser, got):
    other = Browser()
    tokens(web, alice, other)
    asks(logout(other, id_token_hint=got["id_token"]))
    assert alive(other) and alive(browser)


@pytest.mark.parametrize("bad", ["garbage", "tampered", "none", "access", "refresh", "twice"])
def test_lo_03_a_bad_hint(web, browser, got, bad):
    head, payload, signature = got["id_token"].split(".")
    hint = {
        "garbage": "x.y.z",
        "tampered": f"{head}.{payload[:-2]}AA.{signature}",
        "none": f"eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.{payload}.",
        "access": got["access_token"],
        "refresh": got["refresh_token"],
        "twice": [got["id_token"], got["id_token"]],
    }[bad]
    assert_page(logout(browser, id_token_hint=hint, post_logout_redirect_uri=BYE))
    assert alive(browser)


def test_lo_03_an_expired_hint_is_still_a_proof(browser, got, monkeypatch):
    import time

    later = time.time() + 3000
    monkeypatch.setattr("authcenter.oauth.id_token.time.time", lambda: later)
    assert logout(browser, id_token_hint=got["id_token"], post_logout_redirect_uri=BYE)["Location"] == BYE


def test_lo_03_a_hint_and_a_client_id_that_differ(web2, browser, got):
    assert_page(logout(browser, id_token_hint=got["id_token"], client_id=web2.id))
    assert alive(browser)


@pytest.mark.parametrize("method", ["get", "post"])
def test_lo_04_h6_a_stranger_with_a_hint_ends_nothing(web, browser, got, method):
    stranger, before = Browser(), stored()
    response = logout(stranger, method, id_token_hint=got["id_token"], post_logout_redirect_uri=BYE)
    if method == "post":
        assert response.status_code == 303 and response["Location"].startswith("/oauth/logout?")
        response = stranger.get(response["Location"])
    assert response["Location"] == BYE
    assert stored() == before and alive(browser)
    assert userinfo(got["access_token"]).status_code == 200 and refresh(web, got["refresh_token"]).status_code == 200


def test_lo_07_a_form_from_another_site_comes_without_the_cookie_and_is_not_answered_as_if_signed_out(
    web, browser, got
):
    crossing = Browser()  # SameSite=Lax: the browser sends no cookie with this post
    response = logout(crossing, "post", client_id=web.id, post_logout_redirect_uri=BYE)
    assert response.status_code == 303
    browser.open(response["Location"])  # but with the redirect that follows it does
    asks(browser.page)
    assert alive(browser)


@pytest.mark.parametrize("client_id", ["nope", "é", "x" * 300, "' OR 1=1"])
@pytest.mark.parametrize("signed_in", [True, False])
def test_lo_05_an_unknown_client(browser, got, client_id, signed_in):
    assert_page(logout(browser if signed_in else Browser(), client_id=client_id))
    assert alive(browser)


def test_lo_05_a_disabled_client(web, browser, got):
    Application.objects.filter(pk=web.row.pk).update(is_active=False)
    assert_page(logout(browser, client_id=web.id))
    assert_page(logout(browser, id_token_hint=got["id_token"], post_logout_redirect_uri=BYE))
    assert alive(browser)


@pytest.mark.parametrize("name", ["client_id", "post_logout_redirect_uri", "state", "id_token_hint"])
def test_a_parameter_twice(web, browser, got, name):
    assert_page(logout(browser, **{name: ["a", "a"]}))
    assert alive(browser)


@pytest.mark.parametrize(
    "query", ["state=%00", "state=%ff", "client_id=%zz", "x=" + "y" * 40_000, "&".join(f"a{n}=1" for n in range(200))]
)
def test_malformed(browser, got, query):
    assert browser.get(f"/oauth/logout?{query}").status_code == 400
    assert (
        browser.http.post("/oauth/logout", query, content_type="application/x-www-form-urlencoded").status_code == 400
    )
    assert alive(browser)


@pytest.mark.parametrize("method", ["put", "delete", "patch", "head", "trace"])
def test_tr_13_other_methods(browser, got, method):
    assert getattr(browser.http, method)("/oauth/logout").status_code == 405
    assert alive(browser)


def test_a_stranger_is_told_that_nobody_is_signed_in(db):
    response = Browser().get("/oauth/logout")
    assert response.status_code == 200 and "Location" not in response


def test_lo_15_the_local_sign_out_needs_a_click_and_a_token(browser, got):
    assert browser.get("/accounts/logout/").status_code == 200 and alive(browser)
    client = Client(enforce_csrf_checks=True, HTTP_HOST=HOST)
    client.cookies.update(browser.http.cookies)
    assert client.post("/accounts/logout/").status_code == 403 and alive(browser)


def test_lo_09_the_local_sign_out_ends_the_families_too(web, browser, got):
    browser.open("/accounts/logout/")
    form = next(form for form in browser.forms() if form.method == "post" and "logout" in (form.action or browser.at))
    browser.post_form(form)
    assert_bearer_401(userinfo(got["access_token"]))
    assert_refused(refresh(web, got["refresh_token"]), 400, "invalid_grant")
    assert Family.objects.get().ended is None  # it fell with its session, not by itself
