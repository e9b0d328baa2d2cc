"""Attacks on signing out: of others by a link or form, to foreign addresses, and what outlives it."""

import re
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.attacks import forge, refusals
from tests.attacks.rig import Rig, Visitor, ok, soon
from tests.attacks.scene import PASSWORD, Person
from tests.oauth.flow import claims

pytestmark = pytest.mark.live
END, BYE = "/oauth/logout", "https://rp1.test/bye"


class Leaver:
    """Somebody in a browser of her own, with what an application got through it."""

    def __init__(self, rig: Rig, scope: str = "openid") -> None:
        self.person: Person = rig.scene.person("leaver")
        self.browser: Visitor = rig.browser().sign_in_anew(self.person)
        self.got: dict[str, Any] = rig.tokens(rig.web, self.person, self.browser, scope=scope)

    def survives(self, rig: Rig) -> None:
        assert self.browser.is_signed_in()
        assert rig.userinfo(self.got["access_token"]).status_code == 200


@pytest.fixture
def leaver(rig: Rig) -> Leaver:
    return Leaver(rig)


@pytest.mark.parametrize(
    "address",
    [
        "https://rp1.test/bye/", "https://rp1.test/bye?x=1", "https://rp1.test/bye#x", "https://evil@rp1.test/bye",
        "https://rp1.test@evil.test/bye", "https://rp1.test/x/../bye", "https://rp1.test/%2e%2e/bye",
        "https://rp1.test.evil.test/bye", "https://evilrp1.test/bye", "https://rp1atest/bye", "https://rp1.test./bye",
        "https://rp1.test\\@evil.test/bye", " https://rp1.test/bye", "https://rp1.test/bye%0d%0aX:1",
        "https://rp1.test:443/bye", "http://rp1.test/bye", "//rp1.test/bye", "/bye", "javascript:alert(1)",
        "data:text/html,x", "JaVaScRiPt:alert(1)", "https://rp1.test/cb", "https://evil.test/",
    ],
    ids=lambda address: address.replace("/", "-").replace("%", "pct").replace("\\", "backslash"),
)  # fmt: skip
def test_lo_01_post_logout_redirect_uri_matching(rig, leaver, address):
    for sent in ({"id_token_hint": leaver.got["id_token"]}, {"client_id": rig.web.id}, {}):
        with rig.untouched():
            for method in ("GET", "POST"):
                form = {**sent, "post_logout_redirect_uri": address, "state": "s"}
                where = {"params": form} if method == "GET" else {"data": form}
                refusals.page(rig, leaver.browser.http.request(method, END, **where))
    leaver.survives(rig)


def test_lo_01_the_registered_address(rig, leaver):
    leaver.browser.open(f"{END}?id_token_hint={leaver.got['id_token']}&post_logout_redirect_uri={BYE}&state=s")
    assert leaver.browser.left_to == f"{BYE}?state=s" and not leaver.browser.is_signed_in()


@pytest.mark.parametrize("query", ["", "?state=x", f"?post_logout_redirect_uri={BYE}&client_id=WEB", "?client_id=WEB"])
def test_lo_02_forced_logout(rig, leaver, query):
    cross_site = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image", "Referer": "https://evil.test/"}
    with rig.untouched():
        for headers in ({}, cross_site):
            response = leaver.browser.http.get(END + query.replace("WEB", rig.web.id), headers=headers)
            assert response.status_code == 200 and 'name="confirm"' in response.text
    leaver.survives(rig)


HINTS = ["tampered", "alg-none", "another-key", "another-issuer", "access-token", "garbage", "session-token"]


@pytest.mark.parametrize("kind", HINTS)
def test_lo_03_bad_hints(rig, leaver, kind):
    header, payload, signature = forge.split(leaver.got["id_token"])
    stranger = forge.RSAKey.generate_key(2048)
    told = {
        "tampered": forge.compact(header, {**payload, "nonce": "x"}) + signature,
        "alg-none": forge.compact({**header, "alg": "none"}, payload),
        "another-key": forge.compact(header, payload, forge.rs(stranger)),
        "another-issuer": rig.scene.sign({**payload, "iss": "https://evil.test"}, "JWT", "RS256"),
        "access-token": leaver.got["access_token"],
        "garbage": "garbage",
        "session-token": rig.scene.sign({**payload, "aud": f"{rig.issuer}/session"}, "session+jwt"),
    }[kind]
    with rig.untouched():
        for more in ({}, {"client_id": rig.web.id, "post_logout_redirect_uri": BYE}):
            refusals.page(rig, leaver.browser.http.get(END, params={"id_token_hint": told, **more}))
    leaver.survives(rig)


@pytest.mark.parametrize("whose", ["another-person", "another-session", "expired-of-another-session"])
def test_lo_03_a_hint_of_another_sign_in_is_a_question(rig, leaver, whose):
    if whose == "another-person":
        told = rig.tokens(rig.web, rig.scene.alice)["id_token"]
    else:
        again = rig.browser().sign_in_anew(leaver.person)
        told = rig.tokens(rig.web, leaver.person, again)["id_token"]
        if whose.startswith("expired"):
            told = rig.scene.sign({**claims(told), "iat": 1, "exp": 2}, "JWT", "RS256")
    for more in ({}, {"post_logout_redirect_uri": BYE}):
        with rig.untouched():
            response = leaver.browser.http.get(END, params={"id_token_hint": told, **more})
        assert response.status_code == 200 and 'name="confirm"' in response.text
    leaver.survives(rig)


def test_lo_03_an_old_hint_of_this_very_sign_in_signs_out(rig, leaver):
    """The documented policy: it proves that the application signed her in here, and ends nothing else."""
    old = rig.scene.sign({**claims(leaver.got["id_token"]), "iat": 1, "exp": 2}, "JWT", "RS256")
    leaver.browser.open(f"{END}?id_token_hint={old}")
    assert "signed out" in leaver.browser.page.text.lower() and not leaver.browser.is_signed_in()


def test_lo_04_an_anonymous_hint_kills_no_tokens(rig, leaver):
    stranger = rig.browser()
    with rig.untouched():
        for more in ({}, {"post_logout_redirect_uri": BYE}, {"client_id": rig.web.id}):
            for method in ("GET", "POST"):
                form = {"id_token_hint": leaver.got["id_token"], **more}
                where = {"params": form} if method == "GET" else {"data": form}
                assert stranger.http.request(method, END, **where).status_code in {200, 303}
    leaver.survives(rig)
    ok(rig.refresh(rig.web, leaver.got["refresh_token"]))


@pytest.mark.parametrize("client_id", ["nope", "%00", "%ff", "x" * 1000, "disabled", "of-another"])
def test_lo_05_unknown_client(rig, leaver, client_id):
    hint = f"&id_token_hint={leaver.got['id_token']}"
    named = {"disabled": rig.disabled.id, "of-another": rig.web2.id}.get(client_id, client_id)
    with rig.untouched():
        for more in (hint,) if client_id == "of-another" else ("", hint, f"&post_logout_redirect_uri={BYE}"):
            refusals.page(rig, leaver.browser.raw(f"{END}?client_id={named}{more}"))
    leaver.survives(rig)


def test_lo_07_post_end_session(rig, leaver):
    """A form from another site comes without the cookie, so the answer begins again as a GET: and that asks her."""
    cross_site = {"Origin": "https://rp1.test", "Sec-Fetch-Site": "cross-site"}
    form = {"client_id": rig.web.id, "post_logout_redirect_uri": BYE}
    with rig.untouched():
        without_cookie = rig.browser().http.post(END, data=form, headers=cross_site)
        assert without_cookie.status_code == 303 and without_cookie.headers["Location"].startswith(f"{END}?")
        for response in (
            leaver.browser.http.get(without_cookie.headers["Location"]),
            leaver.browser.http.post(END, data=form, headers=cross_site),
        ):
            assert response.status_code == 200 and 'name="confirm"' in response.text
    leaver.survives(rig)
    leaver.browser.open(without_cookie.headers["Location"]).submit("confirm", press="confirm")
    assert leaver.browser.left_to == BYE and not leaver.browser.is_signed_in()


@pytest.mark.parametrize("by", ["person", "application"])
def test_lo_09_logout_is_complete(rig, by):
    """Everything of this sign-in, at every worker. An app's own sign-in and offline access live, as the page says."""
    leaver = Leaver(rig, "openid orders:read")
    offline = rig.tokens(rig.web, leaver.person, leaver.browser, scope="openid offline_access")
    pair = {"email": leaver.person.email, "password": PASSWORD}
    api = ok(rig.http.post("/api/token/", json=pair))
    everywhere, copied = rig.scattered(), dict(leaver.browser.http.cookies)
    assert everywhere.get_as(leaver.got["access_token"], "/demo/api/orders/").status_code == 200
    waiting = leaver.browser.code(rig.web)
    if by == "person":
        leaver.browser.open("/accounts/logout/").submit("csrfmiddlewaretoken")
    else:
        leaver.browser.open(f"{END}?id_token_hint={leaver.got['id_token']}")
    for _connection in range(12):
        thief = everywhere.http.get("/account/", headers={"Cookie": "; ".join(f"{k}={v}" for k, v in copied.items())})
        assert thief.status_code == 302 and thief.headers["Location"].startswith("/accounts/login/")
        refusals.bearer(everywhere.userinfo(leaver.got["access_token"]))
        refusals.inactive(everywhere.introspect(rig.web, leaver.got["refresh_token"]))
    refusals.grant(rig, rig.refresh(rig.web, leaver.got["refresh_token"]))
    refusals.grant(rig, rig.redeem(rig.web, waiting))
    orders = "/demo/api/orders/"
    soon(lambda: {everywhere.get_as(leaver.got["access_token"], orders).status_code for _ in range(12)} == {401})
    ok(rig.refresh(rig.web, offline["refresh_token"]))
    assert rig.get_as(api["access"], "/api/me/").status_code == 200
    by_api = rig.http.post("/api/token/logout/", json={"refresh": api["refresh"]})
    assert by_api.status_code == 204
    for _connection in range(12):
        assert everywhere.get_as(api["access"], "/api/me/").status_code == 401
    assert rig.http.post("/api/token/refresh/", json={"refresh": api["refresh"]}).status_code == 401
    everywhere.close()


def test_lo_10_back_button(rig, leaver):
    pages = ["/account/", "/account/security/", "/account/sessions/", "/account/apps/", "/accounts/email/"]
    for page in pages:
        shown = leaver.browser.http.get(page)
        assert shown.status_code == 200 and "no-store" in shown.headers["Cache-Control"]
    leaver.browser.open("/accounts/logout/").submit("csrfmiddlewaretoken")
    for page in pages:
        gone = leaver.browser.http.get(page)
        assert gone.status_code == 302 and leaver.person.email not in gone.text
        assert "no-store" in gone.headers["Cache-Control"]


@pytest.mark.parametrize("path", ["/accounts/logout/", "/oauth/logout/confirm"])
def test_lo_15_local_logout_csrf(rig, leaver, path):
    other = rig.browser().open("/accounts/login/").form("login").fields["csrfmiddlewaretoken"]
    own = leaver.browser.open("/account/").form("csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]
    evil = {"Origin": "https://evil.test", "Sec-Fetch-Site": "cross-site"}
    post = leaver.browser.http.post
    with rig.untouched():
        assert leaver.browser.http.get(path).status_code in {200, 405}
        assert leaver.browser.http.head(path).status_code in {200, 405}
        assert post(path, data={"confirm": "1"}).status_code == 403
        assert post(path, data={"confirm": "1"}, headers={"Origin": rig.url}).status_code == 403
        assert post(path, data={"confirm": "1", "csrfmiddlewaretoken": other}).status_code == 403
        assert post(path, data={"confirm": "1", "csrfmiddlewaretoken": own}, headers=evil).status_code == 403
    leaver.survives(rig)


def test_lo_14_front_channel(rig):
    """Frames of the applications that this sign-in was at, as they are registered, and the policy allows no others."""
    framed = [
        rig.scene.application(
            "web", name, [], redirect_uris=f"https://{host}/cb", frontchannel_logout_uri=f"https://{host}/out?x=1"
        )
        for name, host in (("Framed", "framed.test"), ("Elsewhere", "elsewhere.test"))
    ]
    leaver = Leaver(rig)
    got = rig.tokens(framed[0], leaver.person, leaver.browser)
    rig.tokens(framed[1], leaver.person, rig.browser().sign_in_anew(leaver.person))
    page = leaver.browser.open(f"{END}?id_token_hint={leaver.got['id_token']}&frame=https://evil.test/").page
    frames = [unescape(source) for source in re.findall(r'<iframe[^>]* src="([^"]*)"', page.text)]
    assert len(frames) == 1 and frames[0].startswith("https://framed.test/out?x=1&"), page.text
    told = dict(parse_qsl(urlsplit(frames[0]).query))
    assert told == {"x": "1", "iss": rig.issuer, "sid": claims(got["id_token"])["sid"]}
    policy = dict(one.strip().partition(" ")[::2] for one in page.headers["Content-Security-Policy"].split(";"))
    assert policy["frame-src"] in {"https://framed.test", frames[0].partition("?")[0]}
    assert policy["frame-ancestors"] == "'none'" and not leaver.browser.is_signed_in()
