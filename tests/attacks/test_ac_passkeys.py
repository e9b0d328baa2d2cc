"""AC-34, AC-35, and the passkey's part of AC-17 and AC-29: answers that are used again, tampered with, or another's.

Each forged answer differs from a right one in one thing; the right one is let in, so that a refusal means something.
"""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest
from fido2.utils import websafe_decode, websafe_encode

from tests.attacks.people_rig import PASSWORD, Crowd, Person, is_signed_in
from tests.authenticator import BACKED_UP, ELIGIBLE, PRESENT, SYNCED, VERIFIED, Authenticator
from tests.stranger import Stranger

pytestmark = pytest.mark.live
pytest_plugins = ["tests.attacks.people_fixture"]

_SIGN_IN, _ADD = "/accounts/passkey/", "/account/security/passkeys/add/"
_AGED = """
import struct, time
from types import SimpleNamespace
from accounts import challenges
from accounts.challenges import Ceremony
request = SimpleNamespace(META={"CSRF_COOKIE": csrf}, session=None)
clock, time.time = time.time, lambda: clock() - age
try:
    made = challenges.made(request, Ceremony.SIGN_IN, None)
finally:
    time.time = clock
from fido2.utils import websafe_encode
answer = websafe_encode(made)
"""


@dataclass
class Holder:
    """A person and her passkey. Whoever attacks has seen all that a browser sees, and has no key of hers."""

    crowd: Crowd
    person: Person
    passkey: Authenticator
    browser: Stranger = field(repr=False)

    def at_the_door(self) -> tuple[Stranger, dict[str, Any]]:
        """A new browser at the sign-in page, and what it is asked."""
        browser = self.crowd.browser().open("/accounts/login/")
        return browser, asked(browser, _SIGN_IN)

    def refused(self, answer: str, browser: Stranger, reason: str = "") -> None:
        give(browser, answer)
        assert not is_signed_in(browser)
        if reason:
            assert reason in {event["detail"].get("reason") for event in self.events()}, self.events()

    def events(self) -> list[dict[str, Any]]:
        return self.crowd.events("sign_in_refused", self.person.id)


def asked(browser: Stranger, door: str) -> dict[str, Any]:
    answer = browser.http.get(f"{door}options/")
    assert answer.status_code == 200, answer.text
    return answer.json()


def give(browser: Stranger, answer: str) -> Stranger:
    return browser.open("/accounts/login/").submit("credential", credential=answer)


def given_to(browser: Stranger, answer: str) -> httpx.Response:
    """The same without the page in between: for many at once."""
    form = browser.form("credential")
    return browser.http.post(
        _SIGN_IN, data={**form.fields, "credential": answer}, headers={"Origin": browser.url, "Referer": browser.url}
    )


def made(crowd: Crowd, **fields: Any) -> Holder:
    person = crowd.person("holder")
    browser = crowd.signed_in(person)
    passkey = Authenticator(origin=crowd.url, **fields)
    browser.open(_ADD).submit("credential", credential=passkey.create(asked(browser, _ADD)))
    assert "/name/" in str(browser.page.url), browser.page.text
    return Holder(crowd, person, passkey, browser)


@pytest.fixture(scope="module")
def holder(crowd: Crowd) -> Holder:
    return made(crowd)


@pytest.fixture(scope="module")
def counting(crowd: Crowd) -> Holder:
    """Her security key counts, as those do that are not synced."""
    return made(crowd, step=1, flags=PRESENT | VERIFIED, transports=("usb",))


# --- AC-34 ----------------------------------------------------------------------------------------------------


def test_ac_34_a_right_answer_is_good_once(holder: Holder):
    browser, options = holder.at_the_door()
    answer = holder.passkey.get(options)
    assert is_signed_in(give(browser, answer))
    browser.open("/account/").submit("csrfmiddlewaretoken")  # signs out
    assert not is_signed_in(browser)
    holder.refused(answer, browser)


def test_ac_34_of_many_at_once_one_is_let_in(holder: Holder):
    browser, options = holder.at_the_door()
    answer = holder.passkey.get(options)
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _number: given_to(browser, answer), range(6)))
    assert sum("sessionid" in str(one.headers) or "session=" in str(one.headers) for one in answers) == 1


def test_ac_34_a_challenge_is_good_once_whatever_was_wrong(holder: Holder):
    """A second answer to it is as good as the first would have been, and late."""
    browser, options = holder.at_the_door()
    holder.refused(holder.passkey.get(options, origin="https://evil.example"), browser)
    holder.refused(holder.passkey.get(options), browser)


def test_ac_34_another_browsers_challenge_is_none(holder: Holder):
    _browser, options = holder.at_the_door()
    mallory, _own = holder.at_the_door()
    holder.refused(holder.passkey.get(options), mallory)


@pytest.mark.parametrize("age", [290, 301, 86_400])
def test_ac_34_a_challenge_is_good_for_five_minutes(holder: Holder, age):
    browser, options = holder.at_the_door()
    aged = holder.crowd.inside(_AGED, csrf=browser.http.cookies["csrf"], age=age)
    give(browser, holder.passkey.get({**options, "challenge": aged}))
    assert is_signed_in(browser) == (age < 300)


def test_ac_34_a_challenge_of_ones_own_making_is_none(holder: Holder):
    browser, options = holder.at_the_door()
    right = websafe_decode(options["challenge"])
    younger = (int.from_bytes(right[16:20], "big") + 60).to_bytes(4, "big")
    for wrong in (b"", bytes(36), right[:-1] + bytes([right[-1] ^ 1]), right[:16] + younger + right[20:], right * 2):
        holder.refused(holder.passkey.get({**options, "challenge": websafe_encode(wrong)}), browser)


def test_ac_34_what_was_asked_for_something_else_signs_nobody_in(holder: Holder):
    mallory, _options = holder.at_the_door()
    other = {**asked(holder.browser, _ADD), "rpId": "localhost"}
    holder.refused(holder.passkey.get(other), mallory)


# --- AC-35 ----------------------------------------------------------------------------------------------------

_TAMPERED = {
    "another site": ({"origin": "https://evil.example"}, "origin"),
    "another port": ({"origin": "http://localhost:1"}, "origin"),
    "a host below": ({"origin": "http://a.localhost"}, "origin"),
    "a host that ends like ours": ({"origin": "http://evillocalhost"}, "origin"),
    "no origin": ({"origin": "null"}, "origin"),
    "an app's origin": ({"origin": "android:apk-key-hash:AAAA"}, "origin"),
    "another party": ({"rp_id": "evil.example"}, "relying party"),
    "a party above": ({"rp_id": "host"}, "relying party"),
    "made for creation": ({"kind": "webauthn.create"}, "type"),
    "no type": ({"kind": ""}, "type"),
    "in another site's frame": ({"cross_origin": True}, "cross-origin"),
    "in a frame, told late": ({"top_origin": "https://evil.example"}, "cross-origin"),
    "an odd word for no": ({"cross_origin": "false"}, "cross-origin"),
    "nobody verified": ({"flags": SYNCED & ~VERIFIED}, "not verified"),
    "nobody present": ({"flags": SYNCED & ~PRESENT}, "nobody present"),
    "synced though it cannot be": ({"flags": SYNCED & ~ELIGIBLE}, "backup state"),
    "another kind than it was": ({"flags": SYNCED & ~(ELIGIBLE | BACKED_UP)}, "backup eligibility"),
    "nobody's handle": ({"handle": b""}, "another person's"),
    "a stranger's handle": ({"handle": bytes(16)}, "another person's"),
    "no signature": ({"signature": b"\x00"}, "signature"),
    "a signature of something": ({"signature": b"\x30\x06\x02\x01\x01\x02\x01\x01"}, "signature"),
}


@pytest.mark.parametrize("case", _TAMPERED)
def test_ac_35_an_answer_that_was_tampered_with_is_refused(holder: Holder, case):
    changed, reason = _TAMPERED[case]
    browser, options = holder.at_the_door()
    holder.refused(holder.passkey.get(options, **changed), browser, reason)
    browser, options = holder.at_the_door()
    assert is_signed_in(give(browser, holder.passkey.get(options)))


def test_ac_35_data_that_changed_after_signing_is_refused(holder: Holder):
    browser, options = holder.at_the_door()
    answer = json.loads(holder.passkey.get(options, flags=SYNCED & ~VERIFIED))
    data = bytearray(websafe_decode(answer["response"]["authenticatorData"]))
    data[32] |= VERIFIED
    answer["response"]["authenticatorData"] = websafe_encode(bytes(data))
    holder.refused(json.dumps(answer), browser, "signature")


def test_ac_35_anothers_key_does_not_open_ones_account(holder: Holder, crowd: Crowd):
    """Mallory names Alice's passkey and handle, and signs with a key of her own."""
    mallory = Authenticator(origin=crowd.url)
    mallory.rp_id, mallory.handle = holder.passkey.rp_id, holder.passkey.handle
    browser, options = holder.at_the_door()
    holder.refused(mallory.get(options, credential_id=holder.passkey.credential_id), browser, "signature")
    browser, options = holder.at_the_door()
    holder.refused(mallory.get(options), browser)


def test_ac_35_a_counter_that_goes_back_is_a_copys_and_is_audited(counting: Holder):
    browser, options = counting.at_the_door()
    assert is_signed_in(give(browser, counting.passkey.get(options)))
    for count in (counting.passkey.count, 1, 0):
        browser, options = counting.at_the_door()
        counting.passkey.step = 0
        counting.refused(counting.passkey.get(options, count=count), browser, "counter")
    counting.passkey.step = 1
    browser, options = counting.at_the_door()
    assert is_signed_in(give(browser, counting.passkey.get(options)))


@pytest.mark.parametrize(
    "body", ["", "{}", "[]", "null", "[" * 20_000, "1e999", '{"type": "public-key"}', '{"\ud800": 1}', "x" * 40_000]
)
def test_ac_35_what_is_no_answer_is_refused(holder: Holder, body):
    browser, _options = holder.at_the_door()
    holder.refused(body.encode("utf-8", "replace").decode(), browser)


@pytest.mark.parametrize("part", ["clientDataJSON", "authenticatorData", "signature", "userHandle"])
@pytest.mark.parametrize("value", ["", "!", "AAAA", 7, None, {}, ["AAAA"]])
def test_ac_35_broken_parts_are_refused(holder: Holder, part, value):
    browser, options = holder.at_the_door()
    answer = json.loads(holder.passkey.get(options))
    answer["response"][part] = value
    holder.refused(json.dumps(answer), browser)


_MADE = {
    "an algorithm that was not asked for": ({"algorithm": -35}, {}),
    "another site": ({}, {"origin": "https://evil.example"}),
    "another party": ({}, {"rp_id": "evil.example"}),
    "made for signing in": ({}, {"kind": "webauthn.get"}),
    "in another site's frame": ({}, {"cross_origin": True}),
    "nobody present": ({}, {"flags": SYNCED & ~PRESENT}),
    "synced though it cannot be": ({}, {"flags": SYNCED & ~ELIGIBLE}),
    "no key": ({}, {"public_key": b""}),
    "an empty key": ({}, {"public_key": b"\xa0"}),
    "a key without a point": ({}, {"public_key": b"\xa1\x03\x26"}),
    "an endless id": ({"credential_id": b"x" * 1024}, {}),
    "no id": ({"credential_id": b""}, {}),
}


@pytest.mark.parametrize("case", _MADE)
def test_ac_35_a_new_passkey_that_was_tampered_with_is_not_kept(holder: Holder, case):
    fields, changed = _MADE[case]
    forged = Authenticator(origin=holder.crowd.url, **fields)
    before = kept(holder)
    holder.browser.open(_ADD)
    holder.browser.submit("credential", credential=forged.create(asked(holder.browser, _ADD), **changed))
    assert "could not be added" in holder.browser.page.text and kept(holder) == before


def test_ac_35_anothers_passkey_cannot_be_claimed(holder: Holder, crowd: Crowd):
    """Who registers Alice's credential id with a key of her own would be found under it."""
    mallory = crowd.signed_in(crowd.person("mallory"))
    forged = Authenticator(origin=crowd.url, credential_id=holder.passkey.credential_id)
    mallory.open(_ADD).submit("credential", credential=forged.create(asked(mallory, _ADD)))
    assert "could not be added" in mallory.page.text


def kept(holder: Holder) -> int:
    return holder.crowd.inside(
        "from accounts.models import Passkey\nanswer = Passkey.objects.filter(authenticator__user=whom).count()",
        whom=holder.person.id,
    )


# --- AC-29, AC-17: the passkey's part -----------------------------------------------------------------------------


def half(holder: Holder) -> Stranger:
    """Somebody who knows her password, at the page that asks for more."""
    browser = holder.crowd.browser().open("/accounts/login/").sign_in(holder.person.email, PASSWORD)
    assert str(browser.page.url).endswith("/accounts/2fa/") and not is_signed_in(browser)
    return browser


def test_ac_29_only_ones_own_passkey_is_a_second_factor(holder: Holder, counting: Holder):
    door = "/accounts/2fa/passkey/"
    thief = half(holder)
    thief.submit("credential", credential=counting.passkey.get(asked(thief, door)))
    assert not is_signed_in(thief)
    thief.submit("credential", credential=counting.passkey.get(asked(thief, door), handle=holder.passkey.handle))
    assert not is_signed_in(thief)
    herself = half(holder)
    herself.submit("credential", credential=holder.passkey.get(asked(herself, door)))
    assert is_signed_in(herself)


def test_ac_29_a_half_sign_in_opens_nothing(holder: Holder):
    thief = half(holder)
    for path in ("/account/security/passkeys/", _ADD, f"{_ADD}options/", "/accounts/reauthenticate/passkey/"):
        assert thief.http.get(path).headers["Location"].startswith("/accounts/login/")
    stranger = holder.crowd.browser().open("/accounts/login/")
    assert stranger.http.get("/accounts/2fa/passkey/options/").headers["Location"].startswith("/accounts/login/")


def test_ac_17_and_ac_29_a_new_password_leaves_the_passkey_asked_for(crowd: Crowd):
    holder = made(crowd)
    browser = crowd.browser().open("/accounts/password/reset/").submit("email", email=holder.person.email)
    browser.submit("code", code=crowd.codes(holder.person.email)[-1])
    new = "some other long sentence 8"
    browser.submit("password1", password1=new, password2=new)
    assert not is_signed_in(browser)
    browser.open("/accounts/login/").sign_in(holder.person.email, new)
    assert str(browser.page.url).endswith("/accounts/2fa/") and not is_signed_in(browser)
    assert crowd.guess(holder.person.email, new).status_code == 401
