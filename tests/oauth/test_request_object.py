"""Signed authorization requests (RFC 9101, OpenID Connect Core section 6): by value, and from a registered address."""

import time

import pytest
from django.conf import settings

from authcenter.audit.models import AuditEvent
from tests.oauth.flow import answer, assert_page, claims, redeem
from tests.oauth.test_client_assertion import EC, RSA, STRANGER, public, signed
from tests.receiver import listener


@pytest.fixture
def keyed(web):
    web.row.client_jwks = public(EC, RSA)
    web.row.save()
    return web


def packed(app, key=EC, alg="ES256", typ=None, without=(), **changes):
    now = int(time.time())
    asked = {**app.request(scope="openid email"), "iss": app.id, "aud": settings.ISSUER, "exp": now + 300, **changes}
    asked = {name: value for name, value in asked.items() if value is not None and name not in without}
    return signed(asked, key, alg, typ=typ)


def outside(app, **more):
    """What RFC 9101 section 5 wants beside the object, and nothing else."""
    return dict.fromkeys(app.request(), None) | {"client_id": app.id} | more


@pytest.mark.parametrize("typ", [None, "JWT", "oauth-authz-req+jwt", "application/oauth-authz-req+jwt"])
def test_rfc9101_5_a_request_by_value(keyed, alice, browser, typ):
    token = packed(keyed, state="from inside", nonce="n", typ=typ)
    browser.ask(keyed, **outside(keyed, request=token)).sign_in(alice).allow()
    told = answer(browser.left_to)
    assert told["state"] == "from inside"
    got = redeem(keyed, told["code"]).json()
    assert got["scope"] == "openid email" and claims(got["id_token"])["nonce"] == "n"


def test_rfc9101_6_3_what_stands_beside_it_adds_nothing(keyed, alice, browser):
    browser.enter(alice)
    token = packed(keyed, state="inside", without=("nonce",))
    response = browser.authorize(
        keyed, request=token, state="outside", scope="openid profile", prompt="none", nonce="outside"
    )
    assert "/oauth/consent" in response["Location"]  # prompt=none would have been answered
    browser.follow(response).allow()
    told = answer(browser.left_to)
    got = redeem(keyed, told["code"]).json()
    assert told["state"] == "inside" and got["scope"] == "openid email" and "nonce" not in claims(got["id_token"])


def test_numbers_objects_and_lists_inside(keyed, orders, alice, browser):
    token = packed(
        keyed,
        scope="openid orders:read",
        max_age=1000,
        claims={"userinfo": {"email": None}},
        resource=["https://orders.test/"],
    )
    browser.ask(keyed, **outside(keyed, request=token)).sign_in(alice).allow()
    got = claims(redeem(keyed, answer(browser.left_to)["code"]).json()["access_token"])
    assert got["aud"] == "https://orders.test/" and got["userinfo_claims"] == ["email"]


WRONG = {
    "az_68_audience": {"aud": "https://other.test"},
    "az_68_issuer": {"iss": "somebody"},
    "az_68_another_client_inside": {"client_id": "somebody"},
    "az_68_past": {"exp": 1_700_000_000},
    "az_68_days_ahead": {"exp": int(time.time()) + 10 * 86_400},
    "az_68_exp_text": {"exp": "soon"},
    "az_68_nbf_ahead": {"nbf": int(time.time()) + 86_400},
    "az_68_another_key": {"key": STRANGER},
    "az_68_request_inside": {"request": "x.y.z"},
    "az_68_request_uri_inside": {"request_uri": "https://rp1.test/r"},
    "az_68_of_another_type": {"typ": "at+jwt"},
    "a_list_for_a_state": {"state": ["a"]},
    "true_for_a_number": {"max_age": True},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_rfc9101_6_what_is_wrong_with_an_object(keyed, browser, changes):
    response = browser.authorize(keyed, request=packed(keyed, **changes), state="s")
    told = answer(response["Location"])
    assert response["Location"].startswith(keyed.redirect_uri)
    assert told["error"] == "invalid_request_object" and told["state"] == "s"
    assert AuditEvent.objects.get(kind="authorization_refused").detail["error"] == "invalid_request_object"


@pytest.mark.parametrize("token", ["garbage", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "." * 50], ids=range(4))
def test_az_66_what_nobody_signed(keyed, browser, token):
    assert answer(browser.authorize(keyed, request=token)["Location"])["error"] == "invalid_request_object"


def test_an_object_that_cannot_be_told_off_by_redirect_is_a_page(keyed, browser):
    assert_page(browser.authorize(keyed, **outside(keyed, request="garbage")))
    assert_page(browser.authorize(keyed, request="garbage", redirect_uri="https://evil.test/cb"))
    good = packed(keyed, redirect_uri="https://evil.test/cb")
    assert_page(browser.authorize(keyed, **outside(keyed, request=good)))


def test_what_is_inside_is_judged_as_ever(keyed, browser):
    for changes, error in (
        ({"scope": "nonsense"}, "invalid_scope"),
        ({"code_challenge": None, "code_challenge_method": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"prompt": "none"}, "login_required"),
    ):
        response = browser.authorize(keyed, **outside(keyed, request=packed(keyed, **changes)))
        assert answer(response["Location"])["error"] == error


def test_the_registered_algorithm_and_no_other(keyed, browser):
    keyed.row.request_object_signing_alg = "RS256"
    keyed.row.save()
    refused = browser.authorize(keyed, request=packed(keyed))
    assert answer(refused["Location"])["error"] == "invalid_request_object"
    assert "/accounts/login/" in browser.authorize(keyed, request=packed(keyed, RSA, "RS256"))["Location"]


def test_core_6_1_without_keys_it_is_not_supported(web, browser):
    response = browser.authorize(web, request=packed(web))
    assert answer(response["Location"])["error"] == "request_not_supported"


# --- By reference ---------------------------------------------------------------------------------------------


@pytest.fixture
def there(keyed, settings):
    settings.OUTBOUND_ALLOWED = ["127.0.0.0/8"]
    with listener() as heard:
        heard.status, heard.body = 200, packed(keyed, state="fetched").encode()
        keyed.row.request_uris = [heard.url + "#v1"]
        keyed.row.save()
        yield heard


def test_core_6_2_a_registered_address(keyed, there, alice, browser):
    browser.ask(keyed, **outside(keyed, request_uri=there.url + "#v1")).sign_in(alice).allow()
    assert answer(browser.left_to)["state"] == "fetched"
    assert len(there.got) == 1, "what was asked is kept while she signs in"


def test_az_67_no_other_address(keyed, there, browser):
    for address in (there.url, there.url + "#v2", "https://169.254.169.254/", "file:///etc/passwd", "x"):
        response = browser.authorize(keyed, request_uri=address)
        assert answer(response["Location"])["error"] == "invalid_request_uri"
    assert not there.got


@pytest.mark.parametrize(("status", "body"), [(404, b""), (302, b""), (200, b"\xff"), (200, b"x" * 100_000)])
def test_what_does_not_lie_there(keyed, there, browser, status, body):
    there.status, there.body = status, body
    response = browser.authorize(keyed, request_uri=there.url + "#v1")
    assert answer(response["Location"])["error"] == "invalid_request_uri"


def test_strangers_cannot_make_this_server_hammer_another(keyed, there, browser):
    for _time in range(35):
        browser.authorize(keyed, request_uri=there.url + "#v1")
    assert len(there.got) == 30


def test_core_6_not_both(keyed, there, browser):
    response = browser.authorize(keyed, request=packed(keyed), request_uri=there.url + "#v1")
    assert answer(response["Location"])["error"] == "invalid_request"
