"""How the answer of the authorization endpoint travels: query, fragment, or a form that the browser posts."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from django.conf import settings

from tests.oauth.flow import answer, redeem


def fragment(location):
    parts = urlsplit(location)
    assert not parts.query
    return dict(parse_qsl(parts.fragment))


def test_multiple_response_types_2_1_fragment(web, alice, browser):
    browser.ask(web, response_mode="fragment", state="s&=é").sign_in(alice).allow()
    told = fragment(browser.left_to)
    assert told.keys() == {"code", "state", "iss"}
    assert told["state"] == "s&=é" and told["iss"] == settings.ISSUER
    assert redeem(web, told["code"]).status_code == 200


def test_form_post_2_the_browser_posts_what_is_escaped(web, alice, browser):
    state = "\"><script>alert(1)</script>'&é"
    browser.ask(web, response_mode="form_post", state=state).sign_in(alice).allow()
    page = browser.page
    assert page.status_code == 200 and page["Content-Type"].startswith("text/html")
    assert "no-store" in page["Cache-Control"] and "form-action" not in page["Content-Security-Policy"]
    assert "'unsafe-inline'" not in page["Content-Security-Policy"]
    assert "<script>alert" not in page.content.decode()
    form = browser.form("code")
    assert form.action == web.redirect_uri and form.method == "post"
    assert form.fields.keys() == {"code", "state", "iss"}
    assert form.fields["state"] == state and form.fields["iss"] == settings.ISSUER
    assert redeem(web, form.fields["code"]).status_code == 200


def test_form_post_2_errors_go_the_same_way(web, browser):
    response = browser.authorize(web, response_mode="form_post", prompt="none", state="s")
    browser.page = response
    assert browser.form("error").fields["error"] == "login_required"
    assert browser.form("error").fields["state"] == "s"
    told = fragment(browser.authorize(web, response_mode="fragment", prompt="none")["Location"])
    assert told["error"] == "login_required"


@pytest.mark.parametrize("mode", ["", "FORM_POST", "form_post ", "fragment query", "web_message", "jwt"])
def test_az_34_what_is_no_mode_is_refused_by_the_usual_one(web, browser, mode):
    response = browser.authorize(web, response_mode=mode, prompt="none")
    assert answer(response["Location"])["error"] == ("invalid_request" if mode else "login_required")


def test_az_35_no_answer_for_an_address_that_is_not_registered(web, browser):
    response = browser.authorize(web, response_mode="form_post", redirect_uri="https://evil.test/cb")
    assert response.status_code == 400 and "evil.test" not in response.content.decode()
