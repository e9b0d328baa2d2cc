"""Attacks on signed and pushed authorization requests: forged, taken from others, brought again, or left out."""

import time

import pytest

from tests.attacks import forge, refusals
from tests.attacks.rig import Rig, ok
from tests.attacks.signing import KEY, STRANGER, public, signed
from tests.oauth.flow import App, answer

pytestmark = pytest.mark.live
PREFIX = "urn:ietf:params:oauth:request_uri:"


def _application(scene, name: str, **fields) -> App:
    return scene.application("web", name, [], redirect_uris=f"https://{name.lower()}.test/cb", **fields)


@pytest.fixture(scope="session")
def signing(scene) -> App:
    return _application(scene, "Signing", client_jwks=public(KEY))


@pytest.fixture(scope="session")
def strict(scene) -> App:
    """It must push its requests."""
    return _application(scene, "Strict", require_pushed_authorization_requests=True)


def right(rig: Rig, app: App, **changes) -> dict:
    asked = {**app.request(state="inside"), "iss": app.id, "aud": rig.issuer, "exp": int(time.time()) + 60}
    return {name: value for name, value in {**asked, **changes}.items() if value is not None}


WRONG = {
    "audience": {"aud": "https://other.test"},
    "issuer": {"iss": "somebody"},
    "client": {"client_id": "somebody"},
    "past": {"exp": 1_700_000_000},
    "far_ahead": {"exp": 4_000_000_000},
    "not_yet": {"nbf": 4_000_000_000},
    "exp_is_a_text": {"exp": "soon"},
    "nested": {"request": "x.y.z"},
    "half_a_character": {"state": "\ud800"},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_az_68_wrong_claims(rig, signing, changes):
    with rig.untouched():
        token = signed(rig, right(rig, signing, **changes))
        response = rig.browser(rig.scene.alice).authorize(signing, request=token, state="s")
    refusals.redirect(rig, response, signing, "invalid_request_object", "s")


def test_az_68_wrong_keys_and_changed_parts(rig, signing):
    token = signed(rig, right(rig, signing))
    header, claims, signature = forge.split(token)
    forged = [
        signed(rig, right(rig, signing), STRANGER),
        forge.compact(header, {**claims, "scope": "openid email"}) + signature,
        forge.compact({**header, "alg": "none"}, claims),
        token[:-4] + "AAAA",
    ]
    for one in forged:
        with rig.untouched():
            response = rig.browser(rig.scene.alice).authorize(signing, request=one, state="s")
        refusals.redirect(rig, response, signing, "invalid_request_object", "s")


def test_az_68_what_stands_beside_a_good_one_counts_for_nothing(rig, signing):
    token = signed(rig, right(rig, signing))
    browser = rig.browser(rig.scene.alice).ask(signing, request=token, state="outside", prompt="none").allow()
    assert answer(browser.left_to)["state"] == "inside"


def pushed(rig: Rig, app: App, **changes) -> str:
    form = {name: value for name, value in app.request(**changes).items() if name != "client_id"}
    response = rig.post("/oauth/par", form, app)
    assert response.status_code == 201, response.text
    return rig.scene.secret(response.json()["request_uri"])


def by(app: App, reference: str) -> dict:
    """What RFC 9126 section 4 wants in the address, beside which nothing counts."""
    return {name: None for name in app.request() if name not in {"client_id", "redirect_uri"}} | {
        "request_uri": reference
    }


def test_az_70_a_reference_buys_one_answer(rig, strict):
    reference = pushed(rig, strict)
    browser = rig.browser(rig.scene.alice).ask(strict, **by(strict, reference)).allow()
    ok(rig.redeem(strict, answer(browser.left_to)["code"]))
    for _time in range(2):
        response = browser.authorize(strict, **by(strict, reference))
        refusals.redirect(rig, response, strict, "invalid_request_uri", None)


def test_az_70_another_client_and_a_made_up_one(rig, strict, signing):
    reference = pushed(rig, strict)
    for stranger, brought in ((signing, reference), (strict, PREFIX + "x" * 43), (strict, reference.upper())):
        response = rig.browser(rig.scene.alice).authorize(stranger, **by(stranger, brought))
        assert answer(response.headers["Location"])["error"] in {"invalid_request_uri", "request_uri_not_supported"}
    browser = rig.browser(rig.scene.alice).ask(strict, **by(strict, reference))
    assert answer(browser.allow().left_to if not browser.left_to else browser.left_to)["code"]


def test_az_73_plain_parameters_are_refused(rig, strict):
    with rig.untouched():
        response = rig.browser(rig.scene.alice).authorize(strict, state="s")
    refusals.redirect(rig, response, strict, "invalid_request", "s")
