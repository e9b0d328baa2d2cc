"""Races (TK-02, TK-32): real parallel requests, on either database, in this process and at a running server."""

from collections import Counter

import httpx
import pytest

from authcenter.audit.models import AuditEvent
from authcenter.oauth.models import Authorization, Family
from tests.oauth.flow import VERIFIER, Browser, basic, challenge, redeem, refresh, tokens, userinfo
from tests.stranger import Stranger

TIMES = 20


def lives(app, answers) -> int:
    """How many of these lineages still live: a refresh token that works, or an access token that userinfo takes."""
    families = {answer["refresh_token"]: answer for answer in answers}
    return sum(userinfo(answer["access_token"]).status_code == 200 for answer in families.values())


@pytest.mark.django_db(transaction=True)
class TestInThisProcess:
    @pytest.mark.parametrize("kind", ["confidential", "public"])
    def test_tk_02_one_code_is_redeemed_once(self, web, spa, alice, parallel, kind):
        app = web if kind == "confidential" else spa
        code = Browser().code(app, alice)
        answers = parallel(TIMES, lambda _n: redeem(app, code))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: TIMES - 1}
        assert {answer.json()["error"] for answer in answers if answer.status_code == 400} == {"invalid_grant"}
        assert Family.objects.count() <= 1
        won = [answer.json() for answer in answers if answer.status_code == 200]
        assert lives(app, won) == 0  # a second use is theft: what the first bought is over
        assert refresh(app, won[0]["refresh_token"]).status_code == 400

    def test_tk_32_a_public_client_refreshes_once(self, spa, alice, parallel):
        token = tokens(spa, alice)["refresh_token"]
        answers = parallel(TIMES, lambda _n: refresh(spa, token))
        assert Counter(answer.status_code for answer in answers) == {200: 1, 400: TIMES - 1}
        won = [answer.json() for answer in answers if answer.status_code == 200]
        assert lives(spa, won) == 0 and Family.objects.get().ended
        assert AuditEvent.objects.filter(kind="refresh_replayed").count() == 1

    def test_tk_32_a_confidential_client_gets_the_very_same_successor(self, web, alice, parallel):
        token = tokens(web, alice)["refresh_token"]
        answers = parallel(TIMES, lambda _n: refresh(web, token))
        assert {answer.status_code for answer in answers} <= {200, 400}
        successors = {answer.json()["refresh_token"] for answer in answers if answer.status_code == 200}
        assert len(successors) == 1
        family = Family.objects.get()
        assert family.generation == 2 and family.ended is None
        assert refresh(web, successors.pop()).status_code == 200

    def test_two_consents_at_once_make_one_authorization(self, web, alice, parallel):
        browsers = []
        for _n in range(4):
            browser = Browser()
            browser.ask(web, scope="openid email").sign_in(alice)
            browsers.append((browser, browser.form("allow")))
        answers = parallel(4, lambda n: browsers[n][0].post_form(browsers[n][1], "allow").status_code)
        assert answers == [302] * 4
        assert Authorization.objects.filter(withdrawn=None).count() == 1

    def test_revocation_and_refresh_at_once(self, web, alice, parallel):
        """Whoever wins, nothing lives afterwards that the revocation should have ended."""
        from tests.oauth.flow import as_app

        got = tokens(web, alice)
        token = got["refresh_token"]

        def act(number):
            if number == 5:
                return as_app(web, "/oauth/revoke", {"token": token})
            return refresh(web, token)

        answers = parallel(10, act)
        assert all(answer.status_code in {200, 400} for answer in answers)
        for answer in answers:
            if answer.content and answer.status_code == 200:
                assert userinfo(answer.json()["access_token"]).status_code == 401
                assert refresh(web, answer.json()["refresh_token"]).status_code == 400


@pytest.mark.live
class TestAtARunningServer:
    """Two worker processes and connections of their own for each request."""

    @pytest.fixture(params=["web", "spa"])
    def app(self, request, server):
        return {"name": request.param, **server.demo["applications"][request.param]}

    @pytest.fixture
    def endpoint(self, server):
        return httpx.get(f"{server.url}/.well-known/openid-configuration").json()

    def _code(self, server, endpoint, app) -> str:
        person, browser = server.demo["people"]["demo"], Stranger(server.url)
        asked = {
            "client_id": app["client_id"], "redirect_uri": app["redirect_uris"][0], "response_type": "code",
            "scope": "openid",
            "code_challenge": challenge(VERIFIER), "code_challenge_method": "S256",
        }  # fmt: skip
        browser.open(str(httpx.URL(endpoint["authorization_endpoint"], params=asked))).sign_in(
            person["email"], person["password"]
        )
        if "code=" not in browser.left_to:
            browser.submit("allow", press="allow")
        return httpx.URL(browser.left_to).params["code"]

    def _send(self, endpoint, app, form) -> httpx.Response:
        headers = basic(app["client_id"], app["client_secret"]) if app.get("client_secret") else {}
        data = form if headers else {**form, "client_id": app["client_id"]}
        return httpx.post(endpoint["token_endpoint"], data=data, headers=headers, timeout=30)

    def _redeem(self, endpoint, app, code) -> httpx.Response:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": app["redirect_uris"][0],
            "code_verifier": VERIFIER,
        }
        return self._send(endpoint, app, form)

    def _refresh(self, endpoint, app, token) -> httpx.Response:
        return self._send(endpoint, app, {"grant_type": "refresh_token", "refresh_token": token})

    def test_tk_02_one_code_is_redeemed_once(self, server, endpoint, app, parallel):
        for _round in range(2):  # refusals are limited to 100 in 5 minutes for an application and address
            code = self._code(server, endpoint, app)
            answers = parallel(TIMES, lambda _n, code=code: self._redeem(endpoint, app, code))
            assert Counter(answer.status_code for answer in answers) == {200: 1, 400: TIMES - 1}, [
                a.text for a in answers
            ]
            won = next(answer.json() for answer in answers if answer.status_code == 200)
            header = {"Authorization": f"Bearer {won['access_token']}"}
            assert httpx.get(endpoint["userinfo_endpoint"], headers=header).status_code == 401
            assert self._refresh(endpoint, app, won["refresh_token"]).status_code == 400

    def test_tk_32_at_most_one_lineage_lives(self, server, endpoint, app, parallel):
        for _round in range(1 if app["name"] == "spa" else 3):
            token = self._redeem(endpoint, app, self._code(server, endpoint, app)).json()["refresh_token"]
            answers = parallel(TIMES, lambda _n, token=token: self._refresh(endpoint, app, token))
            statuses = Counter(answer.status_code for answer in answers)
            assert set(statuses) <= {200, 400}, [answer.text for answer in answers]
            successors = {answer.json()["refresh_token"] for answer in answers if answer.status_code == 200}
            assert len(successors) == 1
            if app["name"] == "spa":
                assert statuses[200] == 1
                assert self._refresh(endpoint, app, successors.pop()).status_code == 400
            else:
                assert self._refresh(endpoint, app, successors.pop()).status_code == 200
