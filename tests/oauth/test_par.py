"""POST /oauth/par (RFC 9126): judged when pushed, bound to its client, good for one answer within a minute."""

from datetime import timedelta

import pytest
from django.utils import timezone

from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import PushedRequest
from tests.oauth.flow import (
    Browser,
    answer,
    as_app,
    assert_page,
    assert_refused,
    post,
    redeem,
    secret,
)
from tests.oauth.test_client_assertion import EC, public
from tests.oauth.test_request_object import packed

PREFIX = "urn:ietf:params:oauth:request_uri:"


def push(app, **changes):
    form = {name: value for name, value in app.request(**changes).items() if name != "client_id"}
    return as_app(app, "/oauth/par", form)


def reference(app, **changes):
    response = push(app, **changes)
    assert response.status_code == 201, response.content
    return secret(response.json()["request_uri"])


def by(app, uri, **more):
    return dict.fromkeys(app.request(), None) | {"client_id": app.id, "request_uri": uri} | more


def test_rfc9126_2_2_the_answer(web):
    response = push(web)
    said = response.json()
    assert response.status_code == 201 and "no-store" in response["Cache-Control"]
    assert said["expires_in"] == 60 and said["request_uri"].startswith(PREFIX)
    assert len(said["request_uri"]) >= len(PREFIX) + 43
    assert said["request_uri"].removeprefix(PREFIX) not in str(PushedRequest.objects.values())


@pytest.mark.parametrize("which", ["web", "spa"])
def test_rfc9126_4_the_flow(request, alice, browser, which):
    app = request.getfixturevalue(which)
    browser.ask(app, **by(app, reference(app, state="pushed", scope="openid email"))).sign_in(alice).allow()
    told = answer(browser.left_to)
    assert told["state"] == "pushed"
    assert redeem(app, told["code"]).json()["scope"] == "openid email"


def test_rfc9126_4_what_the_browser_adds_counts_for_nothing(web, alice, browser):
    uri = reference(web, state="pushed")
    browser.ask(web, **by(web, uri, state="added", scope="openid profile", prompt="none")).sign_in(alice).allow()
    told = answer(browser.left_to)
    assert told["state"] == "pushed" and redeem(web, told["code"]).json()["scope"] == "openid"


def test_az_70_rfc9126_7_3_one_answer(web, alice, browser):
    uri = reference(web)
    browser.ask(web, **by(web, uri))  # a reload before it is answered is no harm
    browser.ask(web, **by(web, uri)).sign_in(alice).allow()
    assert answer(browser.left_to)["code"]
    assert_page(browser.authorize(web, **by(web, uri)))
    told = answer(browser.authorize(web, request_uri=uri)["Location"])
    assert told["error"] == "invalid_request_uri"


def test_az_70_two_tabs_get_one_code(web, alice):
    uri, tabs = reference(web), [Browser(), Browser()]
    for tab in tabs:
        tab.ask(web, **by(web, uri)).sign_in(alice)
    first = tabs[0].allow()
    second = tabs[1].allow()
    assert "code" in answer(first.left_to) and answer(second.left_to)["error"] == "invalid_request_uri"


@pytest.mark.django_db(transaction=True)
def test_az_70_in_parallel_one_code(web, alice, parallel):
    from authcenter.oauth import granting

    uri, browser = reference(web), Browser().enter(alice)
    granting.grant(alice, web.row, granting.Wanted(["openid"]))
    answers = parallel(6, lambda _number: browser.authorize(web, **by(web, uri)))
    codes = [one for one in answers if "code=" in one.get("Location", "")]
    assert len(codes) == 1 and all(one.status_code < 500 for one in answers)


def test_az_70_another_client_and_a_late_one(web, web2, browser):
    uri = reference(web)
    assert answer(browser.authorize(web2, **by(web2, uri))["Location"])["error"] == "invalid_request_uri"
    PushedRequest.objects.update(expires=timezone.now() - timedelta(seconds=1))
    assert_page(browser.authorize(web, **by(web, uri)))
    assert_page(browser.authorize(web, **by(web, PREFIX + "nothing")))


def test_az_73_who_must_push(web, alice, browser):
    web.row.require_pushed_authorization_requests = True
    web.row.save()
    told = answer(browser.authorize(web)["Location"])
    assert told["error"] == "invalid_request"
    browser.ask(web, **by(web, reference(web))).sign_in(alice).allow()
    assert answer(browser.left_to)["code"]


WRONG = {
    "unregistered_address": ({"redirect_uri": "https://evil.test/cb"}, "invalid_request"),
    "no_pkce": ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "scope": ({"scope": "nonsense"}, "invalid_scope"),
    "type": ({"response_type": "token"}, "unsupported_response_type"),
    "resource": ({"resource": "https://nowhere.test"}, "invalid_target"),
    "reference": ({"request_uri": PREFIX + "x"}, "invalid_request"),
    "object_without_keys": ({"request": "x.y.z"}, "request_not_supported"),
}


@pytest.mark.parametrize(("changes", "error"), WRONG.values(), ids=WRONG.keys())
def test_rfc9126_2_3_errors(web, changes, error):
    assert_refused(push(web, **changes), 400, error)
    assert not PushedRequest.objects.exists()
    assert AuditEvent.objects.get(kind="authorization_refused").client_id == web.id


def test_tk_21_without_proof(web):
    assert_refused(post("/oauth/par", web.request()), 401, "invalid_client")


def test_tk_16_other_methods_and_bodies(web, client):
    assert client.get("/oauth/par").status_code == 405
    assert_refused(post("/oauth/par?x=1", web.request()), 400, "invalid_request")


def test_rfc9126_3_a_request_object_may_be_pushed(web, alice, browser):
    web.row.client_jwks = public(EC)
    web.row.save()
    response = as_app(web, "/oauth/par", {"request": packed(web, state="signed and pushed")})
    assert response.status_code == 201, response.content
    browser.ask(web, **by(web, response.json()["request_uri"])).sign_in(alice).allow()
    assert answer(browser.left_to)["state"] == "signed and pushed"


def test_public_applications_are_limited(spa):
    statuses = [push(spa).status_code for _time in range(201)]
    assert statuses == [201] * 200 + [429]
