"""AC: answers of other identity providers, honest, forged, stolen, or late; against a provider that lies on demand."""

import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from tests.attacks.outside import ALLOWED
from tests.attacks.people_inside import Inside
from tests.attacks.people_rig import Crowd, Person, is_signed_in
from tests.fake_provider import CLIENT_ID, SECRET, STRANGER, FakeProvider, fake_provider
from tests.live import Server
from tests.stranger import Stranger

pytestmark = pytest.mark.live

_PROVIDER = """
from accounts.models import IdentityProvider
row = IdentityProvider(kind=kind, name=name, issuer=issuer, client_id=client_id, is_shown=False, **fields)
row.set_secret(secret)
row.save()
answer = str(row.pk)
"""
_LINK = """
from accounts.models import LinkedIdentity
LinkedIdentity.objects.create(provider_id=provider, subject=subject, user_id=user)
"""
_LINKS = """
from accounts.models import LinkedIdentity
answer = [str(link.user_id) for link in LinkedIdentity.objects.filter(provider_id=provider)]
"""
_CHANGE = """
from django.apps import apps
apps.get_model("accounts", model).objects.filter(pk=pk).update(**fields)
"""
_REFUSED = """
from authcenter.audit.models import AuditEvent
found = AuditEvent.objects.filter(kind="identity_refused", detail__provider=name)
answer = list(found.values_list("detail", flat=True))
"""


@pytest.fixture(scope="session")
def crowd(open_server: Server) -> Iterator[Crowd]:
    """At the server that may ask hosts at one address of this machine."""
    inside = Inside(open_server)
    made = Crowd(open_server, inside)
    made.secrets.add(SECRET)
    yield made
    inside.stop()
    made.assert_log_is_clean()


@dataclass
class Elsewhere:
    """A provider's row in the server, and the provider."""

    crowd: Crowd
    fake: FakeProvider
    pk: str
    name: str

    def begun(self, browser: Stranger, **form: str) -> str:
        """The authorization request that the button makes."""
        browser.open("/accounts/login/?next=/account/")
        token = browser.form("csrfmiddlewaretoken").fields["csrfmiddlewaretoken"]
        sent = browser.http.post(
            f"/accounts/social/{self.pk}/",
            data={"csrfmiddlewaretoken": token, **form},
            headers={"Origin": self.crowd.url},
        )
        assert sent.status_code == 303, sent.text[:1000]
        return sent.headers["Location"]

    def answered(self, browser: Stranger, answer: dict[str, str]) -> httpx.Response:
        browser.open(f"/accounts/social/{self.pk}/callback/?{urlencode(answer)}")
        assert browser.page is not None
        return browser.page

    def come_back(self, browser: Stranger, **claims: Any) -> httpx.Response:
        return self.answered(browser, self.fake.authorized(self.begun(browser), **claims))

    def linked(self) -> list[str]:
        return list(self.crowd.inside(_LINKS, provider=self.pk))

    def assert_refused(self, browser: Stranger, page: httpx.Response) -> None:
        assert page.status_code in {403, 404}, page.text[:1000]
        assert not is_signed_in(browser)
        assert not self.linked()


@pytest.fixture(scope="module")
def running() -> Iterator[FakeProvider]:
    with fake_provider(ALLOWED) as fake:
        yield fake


@pytest.fixture
def fake(running: FakeProvider) -> FakeProvider:
    running.lie, running.hides, running.sends_iss = None, (), True
    subject = uuid.uuid4().hex
    running.person = {"sub": subject, "email": f"{subject}@example.com", "email_verified": True}
    return running


@pytest.fixture
def provider(crowd: Crowd, fake: FakeProvider) -> Any:
    def make(kind: str = "openid", **fields: Any) -> Elsewhere:
        name = f"Elsewhere {uuid.uuid4().hex}"
        values = {"kind": kind, "name": name, "issuer": fake.url, "client_id": CLIENT_ID, "secret": SECRET}
        return Elsewhere(crowd, fake, crowd.inside(_PROVIDER, **values, fields=fields), name)

    return make


def linked(crowd: Crowd, at: Elsewhere, person: Person, subject: str) -> None:
    crowd.inside(_LINK, provider=at.pk, subject=subject, user=person.id)


def test_ac_26_an_honest_answer_is_taken(crowd: Crowd, provider: Any) -> None:
    """What the others differ from in one thing."""
    browser = crowd.browser()
    provider(trusts_email=True).come_back(browser)
    assert is_signed_in(browser)


# --- AC-24 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("is_trusted", "is_verified"), [(False, False), (True, False), (False, True), (True, True)], ids=str
)
def test_ac_24_an_address_joins_no_account(crowd: Crowd, provider: Any, is_trusted: bool, is_verified: bool) -> None:
    at, alice, browser = provider(trusts_email=is_trusted), crowd.person("alice.ac24"), crowd.browser()
    page = at.come_back(browser, email=alice.email.upper(), email_verified=is_verified)
    assert page.status_code == 200 and not is_signed_in(browser)
    assert not at.linked()
    # Whether there is an account is told to nobody who has not proved the address.
    assert ("already have an account" in page.text) == (is_trusted and is_verified)


def test_ac_24_nor_by_the_page_that_links(crowd: Crowd, provider: Any) -> None:
    """The mallory of another account: what waits in this browser is for the account of that address."""
    at, alice, mallory = provider(trusts_email=True), crowd.person("alice.ac24"), crowd.person("mallory.ac24")
    browser = crowd.browser()
    at.come_back(browser, email=alice.email)
    browser.open("/accounts/social/link/")
    assert browser.page is not None and "/accounts/login/" in str(browser.page.url), "a stranger links nothing"
    browser.open("/accounts/login/").sign_in(mallory.email, mallory.password)
    browser.open("/accounts/social/link/").submit("csrfmiddlewaretoken")
    assert not at.linked()


def test_ac_24_a_code_is_needed_for_an_address_without_an_account_too(crowd: Crowd, provider: Any) -> None:
    at, browser = provider(), crowd.browser()
    at.come_back(browser)
    for _guess in range(3):
        browser.open("/accounts/social/finish/")
        browser.submit("email", email="nobody.ac24@example.com")
        browser.submit("code", code="AAAA-AAAA")
    assert not is_signed_in(browser) and not at.linked()


# --- AC-25 ----------------------------------------------------------------------------------------------------


def test_ac_25_what_can_change_finds_nobody(crowd: Crowd, provider: Any) -> None:
    at, alice = provider(trusts_email=True), crowd.person("alice.ac25")
    linked(crowd, at, alice, "subject-of-alice")
    told = {"email": alice.email, "preferred_username": "alice", "name": "Alice"}
    other = crowd.browser()
    at.come_back(other, sub="another subject", **told)
    assert not is_signed_in(other)
    own = crowd.browser()
    at.come_back(own, sub="subject-of-alice", email="renamed@example.net", preferred_username="renamed")
    assert alice.email in own.http.get("/account/").text


@pytest.mark.parametrize("subject", ["Subject-of-alice", " subject-of-alice", "subject-of-alice\u00a0", "subject%"])
def test_ac_25_a_subject_is_compared_to_the_letter(crowd: Crowd, provider: Any, subject: str) -> None:
    at, alice, browser = provider(trusts_email=True), crowd.person("alice.ac25"), crowd.browser()
    linked(crowd, at, alice, "subject-of-alice")
    at.come_back(browser, sub=subject, email="")
    assert not is_signed_in(browser)


def test_ac_25_a_subject_is_somebody_else_at_another_provider(crowd: Crowd, provider: Any) -> None:
    at, second, alice = provider(), provider(trusts_email=True), crowd.person("alice.ac25")
    linked(crowd, at, alice, "subject-of-alice")
    browser = crowd.browser()
    second.come_back(browser, sub="subject-of-alice", email="other.ac25@example.com")
    assert alice.id not in second.linked()
    assert alice.email not in browser.http.get("/account/").text


# --- AC-26 ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [None, "", "x", "state", "\x00", "é" * 50, "a" * 5000])
def test_ac_26_a_state_that_nobody_gave_is_refused(crowd: Crowd, provider: Any, state: str | None) -> None:
    at, browser = provider(trusts_email=True), crowd.browser()
    answer = at.fake.authorized(at.begun(browser))
    del answer["state"]
    at.assert_refused(browser, at.answered(browser, answer | ({} if state is None else {"state": state})))


def test_ac_26_an_answer_in_another_browser_is_refused(crowd: Crowd, provider: Any) -> None:
    """Login CSRF: the attacker's own answer, in a browser of the victim that has begun something, too."""
    at, mallory, victim = provider(trusts_email=True), crowd.browser(), crowd.browser()
    answer = at.fake.authorized(at.begun(mallory))
    at.begun(victim)
    at.assert_refused(victim, at.answered(victim, answer))
    at.assert_refused(crowd.browser(), at.answered(crowd.browser(), answer))


def test_ac_26_an_answer_is_good_once(crowd: Crowd, provider: Any) -> None:
    at, browser = provider(trusts_email=True), crowd.browser()
    answer = at.fake.authorized(at.begun(browser))
    at.answered(browser, answer)
    browser.http.post("/accounts/logout/", headers={"Origin": crowd.url, "X-CSRFToken": browser.http.cookies["csrf"]})
    assert not is_signed_in(browser)
    assert at.answered(browser, answer).status_code == 403
    assert not is_signed_in(browser)


def test_ac_26_an_answer_is_good_once_of_ten_at_once(crowd: Crowd, provider: Any) -> None:
    at, browser = provider(), crowd.browser()
    answer, asked = at.fake.authorized(at.begun(browser)), len(at.fake.asked)
    where = f"/accounts/social/{at.pk}/callback/?{urlencode(answer)}"
    cookies = dict(browser.http.cookies)

    def one(_number: int) -> int:
        with crowd.client() as client:
            client.cookies.update(cookies)
            return client.get(where).status_code

    with ThreadPoolExecutor(10) as pool:
        assert sorted(pool.map(one, range(10))) == [302] + 9 * [403]
    assert at.fake.asked[asked:].count("/token") == 1


def test_ac_26_an_old_answer_is_refused(crowd: Crowd, provider: Any) -> None:
    at, browser = provider(trusts_email=True), crowd.browser()
    answer = at.fake.authorized(at.begun(browser))
    crowd.inside(
        "from accounts.models import ProviderRequest\n"
        "ProviderRequest.objects.filter(provider_id=pk).update(expires='2020-01-01T00:00Z')",
        pk=at.pk,
    )
    at.assert_refused(browser, at.answered(browser, answer))


def test_ac_26_the_code_of_another_flow_is_refused(crowd: Crowd, provider: Any) -> None:
    """Code injection: PKCE binds a code to the request (RFC 7636), the nonce the ID token to it."""
    at, mallory, victim = provider(trusts_email=True), crowd.browser(), crowd.browser()
    stolen = at.fake.authorized(at.begun(victim))
    mine = at.fake.authorized(at.begun(mallory))
    at.assert_refused(mallory, at.answered(mallory, mine | {"code": stolen["code"]}))


def test_ac_26_the_answer_of_one_provider_is_none_of_another(crowd: Crowd, provider: Any) -> None:
    at, second, browser = provider(trusts_email=True), provider(trusts_email=True), crowd.browser()
    answer = at.fake.authorized(at.begun(browser))
    second.assert_refused(browser, second.answered(browser, answer))


@pytest.mark.parametrize("iss", ["https://evil.example", "", None])
def test_ac_26_an_answer_of_another_issuer_goes_nowhere(crowd: Crowd, provider: Any, iss: str | None) -> None:
    """RFC 9207 section 2.4: before the code is sent to anybody."""
    at, browser = provider(trusts_email=True), crowd.browser()
    answer, asked = at.fake.authorized(at.begun(browser)), len(at.fake.asked)
    del answer["iss"]
    at.assert_refused(browser, at.answered(browser, answer | ({} if iss is None else {"iss": iss})))
    assert "/token" not in at.fake.asked[asked:]


def _now(**more: Any) -> Any:
    return lambda claims: {**claims, **more}


FORGED = {
    "nonce wrong": _now(nonce="x"),
    "nonce missing": lambda claims: {name: claims[name] for name in claims if name != "nonce"},
    "nonce null": _now(nonce=None),
    "nonce list": lambda claims: {**claims, "nonce": [claims["nonce"]]},
    "audience wrong": _now(aud="another client"),
    "audience missing": lambda claims: {name: claims[name] for name in claims if name != "aud"},
    "audiences without azp": _now(aud=[CLIENT_ID, "another client"]),
    "azp wrong": _now(azp="another client"),
    "issuer wrong": _now(iss="https://evil.example"),
    "issuer longer": lambda claims: {**claims, "iss": claims["iss"] + "/"},
    "expired": lambda claims: {**claims, "exp": int(time.time()) - 120},
    "never expires": lambda claims: {name: claims[name] for name in claims if name != "exp"},
    "expires in words": _now(exp="tomorrow"),
    "old": lambda claims: {**claims, "iat": int(time.time()) - 3600},
    "of the future": lambda claims: {**claims, "iat": int(time.time()) + 3600},
    "not yet": lambda claims: {**claims, "nbf": int(time.time()) + 3600},
    "iat missing": lambda claims: {name: claims[name] for name in claims if name != "iat"},
    "no subject": _now(sub=""),
    "subject of another type": _now(sub=7),
    "unsigned": lambda claims: jwt.encode({"alg": "none"}, claims, OctKey.import_key("x" * 32), algorithms=["none"]),
    "signed by the secret": lambda claims: jwt.encode(
        {"alg": "HS256", "kid": "rsa"}, claims, OctKey.import_key(SECRET), algorithms=["HS256"]
    ),
    "signed by a stranger": lambda claims: jwt.encode({"alg": "RS256", "kid": "rsa"}, claims, STRANGER),
    "key unknown": lambda claims: jwt.encode({"alg": "RS256", "kid": "other"}, claims, STRANGER),
    "key brought along": lambda claims: jwt.encode(
        {"alg": "RS256", "jwk": STRANGER.as_dict(private=False)}, claims, STRANGER
    ),
    "not a token": lambda claims: "x.y.z",
    "empty": lambda claims: "",
}


@pytest.mark.parametrize("how", FORGED)
def test_ac_26_a_forged_id_token_is_refused(crowd: Crowd, provider: Any, how: str) -> None:
    """OpenID Connect Core section 3.1.3.7."""
    at, browser = provider(trusts_email=True), crowd.browser()
    at.fake.lie = FORGED[how]
    at.assert_refused(browser, at.come_back(browser))
    assert crowd.inside(_REFUSED, name=at.name), "the operator sees it"


def test_ac_26_userinfo_of_somebody_else_is_refused(crowd: Crowd, provider: Any) -> None:
    """OpenID Connect Core section 5.3.2."""
    at, browser = provider(trusts_email=True), crowd.browser()
    at.fake.hides = ("email",)
    at.fake.lie = _now(sub="alice")
    at.assert_refused(browser, at.come_back(browser, sub="mallory"))


def test_ac_26_what_apple_posts_is_believed_from_the_browser_alone(crowd: Crowd, provider: Any) -> None:
    at, browser, mallory = provider(trusts_email=True), crowd.browser(), crowd.browser()
    answer = at.fake.authorized(at.begun(browser))
    sent = mallory.http.post(f"/accounts/social/{at.pk}/callback/", data={**answer, "user": '{"name": 7}'})
    assert sent.status_code == 303 and urlsplit(sent.headers["Location"]).path.endswith("/callback/")
    mallory.open(sent.headers["Location"])
    at.assert_refused(mallory, mallory.page)  # type: ignore[arg-type]


@pytest.mark.parametrize("error", ["server_error", "<script>alert(1)</script>", "x" * 5000])
def test_ac_26_an_error_is_told_plainly(crowd: Crowd, provider: Any, error: str) -> None:
    at, browser = provider(), crowd.browser()
    state = parse_qs(urlsplit(at.begun(browser)).query)["state"][0]
    page = at.answered(browser, {"error": error, "error_description": error, "state": state, "iss": at.fake.url})
    at.assert_refused(browser, page)
    assert "<script>alert" not in page.text


# --- AC-28 ----------------------------------------------------------------------------------------------------


def test_ac_28_a_disabled_person_stays_out(crowd: Crowd, provider: Any) -> None:
    at, alice, browser = provider(trusts_email=True), crowd.person("alice.ac28", is_active=False), crowd.browser()
    linked(crowd, at, alice, "subject-of-alice")
    page = at.come_back(browser, sub="subject-of-alice")
    assert page.status_code == 403 and not is_signed_in(browser)


def test_ac_28_a_provider_that_is_off_has_no_door(crowd: Crowd, provider: Any) -> None:
    at, alice, browser = provider(trusts_email=True), crowd.person("alice.ac28"), crowd.browser()
    linked(crowd, at, alice, "subject-of-alice")
    answer = at.fake.authorized(at.begun(browser), sub="subject-of-alice")
    crowd.inside(_CHANGE, model="IdentityProvider", pk=at.pk, fields={"is_active": False})
    assert at.answered(browser, answer).status_code == 404, "in flight"
    assert not is_signed_in(browser)
    sent = browser.http.post(f"/accounts/social/{at.pk}/", headers={"X-CSRFToken": browser.http.cookies["csrf"]})
    assert sent.status_code in {403, 404}


def test_ac_28_nor_one_that_is_turned_off_while_it_is_asked(crowd: Crowd, provider: Any) -> None:
    at, alice, browser = provider(trusts_email=True), crowd.person("alice.ac28"), crowd.browser()
    linked(crowd, at, alice, "subject-of-alice")

    def turned_off(claims: dict[str, Any]) -> dict[str, Any]:
        crowd.inside(_CHANGE, model="IdentityProvider", pk=at.pk, fields={"is_active": False})
        return claims

    at.fake.lie = turned_off
    page = at.come_back(browser, sub="subject-of-alice")
    assert page.status_code == 403 and not is_signed_in(browser)


def test_ac_28_nor_for_somebody_new_who_waits(crowd: Crowd, provider: Any) -> None:
    at, browser = provider(), crowd.browser()
    at.come_back(browser)
    crowd.inside(_CHANGE, model="IdentityProvider", pk=at.pk, fields={"is_active": False})
    browser.open("/accounts/social/finish/")
    assert browser.page is not None and "/accounts/login/" in str(browser.page.url)
