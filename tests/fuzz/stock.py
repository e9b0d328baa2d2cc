"""What the fuzzer presents, made in the server's own Django: applications once, people and credentials by the bundle.

Codes live a minute, get used up and are ended by the fuzzer's own requests, so a bundle serves a few hundred requests.
"""

import json
import secrets
from typing import Any
from urllib.parse import parse_qs, urlsplit

from allauth.account.models import EmailAddress
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.db import connections

from accounts.models import User
from authcenter.api import session_claims
from authcenter.audit.models import Refusals
from authcenter.keys import vault
from authcenter.keys.models import Key
from authcenter.limits import Window
from authcenter.oauth.models import API, Application, Scope, TrustedIssuer
from authcenter.oauth.registration import (
    JWT_BEARER,
    TOKEN_EXCHANGE,
    hashed,
    new_application,
    set_new_secret,
)
from authcenter.sessions import jwt
from authcenter.sessions.start import start_api_session
from tests.oauth import flow
from tests.oauth.devices import Device, ask, type_in
from tests.oauth.flow import App, Browser

PASSWORD = "correct horse battery staple"
GOODS, STOCK = "https://goods.test/", "https://stock.test/"
VOUCHER = "https://hr.test"
"""An issuer whose assertions about people are trusted."""

LEGACY = ["code", "id_token", "id_token token", "code id_token", "code token", "code id_token token"]
_GRANTS = ["authorization_code", "refresh_token"]
_APPLICATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "web": ("web", {"redirect_uris": "https://rp1.test/cb https://rp1.test/q?a=1&b=2", "skip_authorization": True}),
    "post": ("web", {"token_endpoint_auth_method": "client_secret_post", "userinfo_signed_response_alg": "ES256"}),
    "secretjwt": ("web", {"token_endpoint_auth_method": "client_secret_jwt", "subject_type": "pairwise"}),
    "keyjwt": ("web", {"token_endpoint_auth_method": "private_key_jwt"}),
    "opaque": ("web", {"access_token_format": "opaque", "grant_types": [*_GRANTS, TOKEN_EXCHANGE]}),
    "legacy": ("web", {"response_types": LEGACY, "grant_types": [*_GRANTS, "password"], "skip_authorization": True}),
    "bearer": ("web", {"grant_types": [*_GRANTS, JWT_BEARER, TOKEN_EXCHANGE], "skip_authorization": True}),
    "spa": ("spa", {"allowed_origins": "https://spa.test"}),
    "native": ("native", {"redirect_uris": "http://127.0.0.1/cb com.example.app:/cb http://[::1]/cb"}),
    "machine": ("machine", {}),
    "middle": ("machine", {"grant_types": ["client_credentials", TOKEN_EXCHANGE]}),
    "kiosk": ("device", {}),
    "camera": ("device", {"client_type": "confidential", "token_endpoint_auth_method": "client_secret_basic"}),
    "disabled": ("web", {"is_active": False}),
}
"""Kind and fields; what says nothing returns to https://NAME.test/cb and https://NAME.test/bye."""

_GLOBAL = (("registrations", 500, 3600), ("user-code", 1000, 600))
_made: dict[str, App] = {}


def applications(public_jwk: dict[str, Any], site: str) -> dict[str, Any]:
    """All of them, as the fuzzer must know them. `public_jwk` proves keyjwt and the trusted issuer."""
    apis = {name: _api(name, identifier) for name, identifier in (("goods", GOODS), ("stock", STOCK))}
    told: dict[str, Any] = {}
    for name, (kind, changes) in _APPLICATIONS.items():
        fields = {"logo_uri": f"{site}/logo.png", "backchannel_logout_uri": f"{site}/logout", **changes}
        if kind not in {"machine", "device"}:
            fields = {"redirect_uris": f"https://{name}.test/cb", **fields}
            fields["post_logout_redirect_uris"] = f"https://{name}.test/bye"
        if name == "keyjwt":
            fields["client_jwks"] = {"keys": [public_jwk]}
        if name == "middle":
            fields["represents"] = API.objects.get(identifier=GOODS)
        row, secret = new_application(kind, name.capitalize(), **fields)
        row.full_clean()
        row.save()
        row.scopes.set(Scope.objects.exclude(name="stock:read") if kind != "machine" else Scope.objects.all())
        _made[name] = App(row, secret, row.redirect_uris.partition(" ")[0])
        told[name] = {
            **{"id": row.client_id, "secret": secret or "none", "method": row.token_endpoint_auth_method},
            **{"redirect": _made[name].redirect_uri, "redirects": row.redirect_uris.split(), "pk": str(row.pk)},
            "bye": row.post_logout_redirect_uris,
        }
    issuer = TrustedIssuer.objects.create(issuer=VOUCHER, name="HR", jwks={"keys": [public_jwk]})
    issuer.applications.add(_made["bearer"].row)
    return {"applications": told, "apis": apis}


def _api(name: str, identifier: str) -> dict[str, str]:
    api = API(identifier=identifier, name=name.capitalize())
    secret = set_new_secret(api)
    api.save()
    for verb in ("read", "write"):
        Scope.objects.create(api=api, name=f"{name}:{verb}", title=f"{verb} {name}")
    return {"id": api.client_id, "secret": secret}


def server_keys() -> dict[str, Any]:
    """Private ones: no answer may show a member, and the worst tokens are those with a good signature."""
    rows = Key.objects.filter(state=Key.State.ACTIVE)
    return {row.algorithm: {**json.loads(vault.decrypt(row.private_key)), "kid": row.kid} for row in rows}


def bundle(number: int, site: str) -> dict[str, str]:
    """Two people and whatever they and their applications hold, each under `name.kind`.

    Limits that count everybody are emptied, as if time had passed; the others count by address and account.
    """
    windows = [Window(*window) for window in _GLOBAL] + [Window(f"documents-at {site}", 30, 300)]
    Refusals.objects.filter(key__in=[window.key for window in windows]).delete()
    told: dict[str, str] = {}
    for label in ("alice", "bob"):
        held = _held(f"{label}.{number}@fuzz.test", f"127.8.{number // 250 % 250}.{number % 250 + 1}")
        told |= {f"{label}.{name}": value for name, value in held.items()}
    told |= {f"machine.{name}": value for name, value in _of_machines().items()}
    told |= {f"registered.{name}": value for name, value in _registered().items()}
    connections.close_all()
    return told


_hash = ""


def _held(email: str, address: str) -> dict[str, str]:
    global _hash
    _hash = _hash or make_password(PASSWORD)  # slow by intention: once is enough
    user = User.objects.create(email=email, password=_hash, name="Some Body", phone_number="+15550100")
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    browser, web = Browser().enter(user), _made["web"]
    told = {"email": email, "id": str(user.pk), "password": PASSWORD}
    scope = "openid profile email offline_access account:read account:write goods:read"
    told["spent_code"] = browser.code(web, user, scope=scope)
    got = _ok(flow.redeem(web, told["spent_code"]))
    told |= {name: got[name] for name in ("access_token", "id_token")}
    told["stale_refresh"] = got["refresh_token"]
    for _ in range(2):
        got = _ok(flow.refresh(web, got["refresh_token"]))
    told["refresh"] = got["refresh_token"]
    for name in ("web", "post", "secretjwt", "keyjwt", "spa", "native", "opaque", "legacy"):
        told[f"code_{name}"] = browser.code(_made[name], user, scope="openid email goods:read")
    opaque = _ok(flow.redeem(_made["opaque"], told["code_opaque"]))
    told |= {"opaque": opaque["access_token"], "opaque_refresh": opaque["refresh_token"]}
    told["code_opaque"] = browser.code(_made["opaque"], user)
    subject = flow.redeem(web, browser.code(web, user, scope="openid goods:read", resource=GOODS))
    told["subject"] = _ok(subject)["access_token"]
    demo = f"{settings.ISSUER}/demo/api"
    scope = " ".join(Scope.objects.filter(api__identifier=demo).values_list("name", flat=True))
    told["demo_token"] = _ok(flow.redeem(web, browser.code(web, user, scope=scope, resource=demo)))["access_token"]
    for name, act in (("device_code", ""), ("device_allowed", "allow"), ("device_denied", "deny")):
        device = Device(_made["kiosk"], _ok(ask(_made["kiosk"], "openid goods:read", address=address)))
        told |= {name: device.told["device_code"], f"{name}_user": device.user_code}
        if act:
            type_in(browser, device.user_code).submit(act, press=act)
    session = start_api_session(_request(), user, amr=["pwd"], acr="0")
    pair = jwt.first_pair(session, session_claims.about_person(user))
    told |= {"session_access": pair.access, "session_refresh": pair.refresh, "session_sid": str(session.pk)}
    browser.ask(_made["native"], prompt="consent")
    told["txn"] = _txn(browser)
    type_in(browser, told["device_code_user"])
    told["device_txn"] = _txn(browser)
    return {**told, "sid": browser.sid, "cookie": str(browser.http.session.session_key)}


def _of_machines() -> dict[str, str]:
    got = _ok(flow.machine_token(_made["machine"], "goods:read"))
    return {"access_token": got["access_token"]}


def _registered() -> dict[str, str]:
    """An application that registered itself."""
    token = secrets.token_urlsafe(32)
    row, secret = new_application(
        "web",
        "Registered",
        origin=Application.Origin.REGISTERED,
        registration_token=hashed(token),
        redirect_uris="https://registered.test/cb",
    )
    row.save()
    return {"id": row.client_id, "secret": secret, "token": token}


def _txn(browser: Browser) -> str:
    return parse_qs(urlsplit(browser.at).query)["txn"][0]


def _request() -> Any:
    from django.test import RequestFactory

    return RequestFactory().get("/")


def _ok(response: Any) -> dict[str, Any]:
    assert response.status_code == 200, response.content
    told: dict[str, Any] = response.json()
    return told
