"""`python -m authcenter.demo.tour`: what AuthCenter is for, step by step in the terminal, on a running server.

It is a stranger to the server: it knows `demo.json`, speaks HTTP and fills in the pages that people see. `URL` or
`PORT` say where the server is, `DATA_DIR` where `demo.json` is. Any step that does not go as told ends it, non-zero.
"""

import base64
import hashlib
import json
import os
import secrets
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from authcenter.demo.browser import Browser, Page
from authcenter.demo.terminal import Stopped, Terminal, path

SCOPES = "openid profile email orders:read"
PROMISE_SECONDS = 2.0
"""Within which every API refuses what was taken back."""


def main() -> int:
    try:
        demo = _demo_file()
        Tour(demo, _server(demo)).walk()
    except Stopped as reason:
        print(f"\nThe tour stops here: {reason}", file=sys.stderr)
    except KeyError as missing:
        print(f"\nThe tour stops here: the answer, or demo.json, has no {missing}.", file=sys.stderr)
    except requests.RequestException as error:
        print(f"\nThe tour stops here: the server does not answer. Is `make run` running? ({error})", file=sys.stderr)
    else:
        return 0
    return 1


class Tour:
    """Each step is a method, in the order of `walk`; what the application has received so far is kept in between."""

    def __init__(self, demo: dict[str, Any], server: str) -> None:
        self.demo, self.server = demo, server
        self.application, self.person = demo["applications"]["web"], demo["people"]["demo"]
        self.api, self.orders = demo["apis"]["demo"], demo["apis"]["demo"]["url"]
        self.terminal = Terminal()
        self.endpoints: dict[str, Any] = {}
        self.tokens: dict[str, Any] = {}

    def walk(self) -> None:
        print(f"A tour of AuthCenter at {self.server}")
        self.discover()
        code, verifier = self.authorize()
        self.exchange(code, verifier)
        claims = self.look_inside()
        self.call_api("The API: it checks signature, audience and scope by itself")
        self.refresh()
        self.userinfo()
        self.introspect()
        self.own_session()
        self.machine()
        self.call_api("The API once more, with the refreshed token")
        self.take_back(claims["gid"])
        self.refused()
        print("\nThat is AuthCenter: tokens that an API checks by itself, and that are taken back all the same.")

    def discover(self) -> None:
        self.terminal.step("Discovery: an application is told one address, and finds the rest")
        self.endpoints = self.terminal.call("GET", f"{self.server}/.well-known/openid-configuration")
        self.terminal.show(self.endpoints, "authorization_endpoint", "token_endpoint", "userinfo_endpoint", "jwks_uri")

    def authorize(self) -> tuple[str, str]:
        self.terminal.step("Authorization request: the application sends the person's browser, with a PKCE challenge")
        verifier, state = secrets.token_urlsafe(48), secrets.token_urlsafe(16)
        redirect_uri = self.application["redirect_uris"][0]
        asked = {
            "response_type": "code",
            "client_id": self.application["client_id"],
            "redirect_uri": redirect_uri,
            "scope": SCOPES,
            "state": state,
            "nonce": secrets.token_urlsafe(16),
            "code_challenge": _b64(hashlib.sha256(verifier.encode()).digest()),
            "code_challenge_method": "S256",
        }
        self.terminal.show(asked, "scope", "code_challenge")
        browser = Browser(stop_at=redirect_uri)
        page = browser.open(f"{self.endpoints['authorization_endpoint']}?{urlencode(asked)}")

        self.terminal.step("Sign-in: she proves who she is to AuthCenter, never to the application")
        page = _sign_in(browser, page, self.person)
        self.terminal.tell(f"signed in as             {self.person['email']}")

        self.terminal.step("Consent: she reads what the application wants, and allows it")
        if form := page.form("allow", "deny"):
            page = browser.submit(page, form, press="allow")
        else:
            self.terminal.tell("allowed before, so nobody asks again")
        answer = _answer(page, redirect_uri)
        if answer.get("state") != state or answer.get("iss") != self.endpoints["issuer"]:
            raise Stopped("state or iss of the answer is not what was asked for.")
        self.terminal.tell(f"back at the application  {path(page.url)} with a code, the same state and the right iss")
        return answer["code"], verifier

    def exchange(self, code: str, verifier: str) -> None:
        self.terminal.step("Tokens: the application's server exchanges the code, with its secret and the PKCE verifier")
        redirect_uri = self.application["redirect_uris"][0]
        self.tokens = self._token(
            self.application,
            grant_type="authorization_code",
            code=code,
            redirect_uri=redirect_uri,
            code_verifier=verifier,
        )
        self.terminal.tell(f"received                 {', '.join(name for name in self.tokens if '_token' in name)}")

    def look_inside(self) -> dict[str, Any]:
        self.terminal.step("Inside: the ID token says who signed in, the access token what may be done")
        self.terminal.show(_claims(self.tokens["id_token"]), "iss", "aud", "sub", "auth_time", "amr", "exp")
        print()
        claims = _claims(self.tokens["access_token"])
        self.terminal.show(claims, "iss", "aud", "client_id", "scope", "gid", "exp")
        return claims

    def call_api(self, title: str) -> None:
        self.terminal.step(title)
        answer = self.terminal.call("GET", self.orders, headers=_bearer(self.tokens["access_token"]))
        self.terminal.tell(f"orders received          {len(answer['orders'])}")

    def refresh(self) -> None:
        self.terminal.step("Refresh: new tokens for the refresh token, which then works no more")
        old = self.tokens["refresh_token"]
        self.tokens = self._token(self.application, grant_type="refresh_token", refresh_token=old)
        if self.tokens["refresh_token"] == old:
            raise Stopped("the refresh token was not rotated.")
        self.terminal.tell(f"received                 {', '.join(name for name in self.tokens if '_token' in name)}")

    def userinfo(self) -> None:
        self.terminal.step("Userinfo: what she agreed to share")
        headers = _bearer(self.tokens["access_token"])
        said = self.terminal.call("GET", self.endpoints["userinfo_endpoint"], headers=headers)
        self.terminal.show(said, "sub", "name", "email", "locale")

    def introspect(self) -> None:
        self.terminal.step("Introspection: for an API that prefers to ask")
        data = {"token": self.tokens["access_token"]}
        said = self.terminal.call(
            "POST", self.endpoints["introspection_endpoint"], data=data, auth=_credentials(self.api)
        )
        self.terminal.show(said, "active", "client_id", "scope")
        if said["active"] is not True:
            raise Stopped("the token should be active.")

    def own_session(self) -> None:
        self.terminal.step("JWT session: an app of one's own signs her in directly, and out again")
        pair = self.terminal.call("POST", f"{self.server}/api/token/", json=self.person)
        me = self.terminal.call("GET", f"{self.server}/api/me/", headers=_bearer(pair["access"]))
        self.terminal.show(me, "email", "name", "roles")
        self.terminal.call("POST", f"{self.server}/api/token/logout/", expected=204, json={"refresh": pair["refresh"]})

    def machine(self) -> None:
        self.terminal.step("Client credentials: a machine acts for itself, and nobody signs in")
        tokens = self._token(
            self.demo["applications"]["machine"], grant_type="client_credentials", scope="orders:write"
        )
        order = {"item": "Bramley apples", "quantity": 3}
        self.terminal.call("POST", self.orders, expected=201, headers=_bearer(tokens["access_token"]), json=order)

    def take_back(self, authorization: str) -> None:
        """What an operator does in the console by hand: select the authorization, choose the action, confirm."""
        self.terminal.step("Revocation: an operator withdraws in the console what the application was granted")
        operator, browser = self.demo["people"]["admin"], Browser()
        page = browser.open(f"{self.server}/admin/oauth/authorization/")
        if page.form("login", "password"):
            page = _sign_in(browser, page, operator)
        form = page.form("action")
        if form is None:
            raise Stopped(f"{path(page.url)} ({page.status}) offers {operator['email']} no actions.")
        page = browser.submit(page, form, action="withdraw_selected", _selected_action=authorization)
        sure = page.form("confirmed")
        if sure is None:
            raise Stopped(f"{path(page.url)} ({page.status}) does not ask whether to withdraw it.")
        browser.submit(page, sure, confirmed="yes")
        self.terminal.tell(f"signed in as             {operator['email']}")
        self.terminal.tell(f"withdrawn                authorization {authorization} (gid of the token)")

    def refused(self) -> None:
        self.terminal.step("The same access token, which has not expired, at the same API")
        began = time.monotonic()
        while True:
            answer = requests.get(self.orders, headers=_bearer(self.tokens["access_token"]), timeout=30)
            took = time.monotonic() - began
            if answer.status_code != 200 or took > PROMISE_SECONDS:
                break
            time.sleep(0.05)
        self.terminal.tell(f"GET {path(self.orders)} → {answer.status_code}, after {1000 * took:.0f} ms")
        if answer.status_code != 401 or "invalid_token" not in answer.headers.get("WWW-Authenticate", ""):
            raise Stopped(f"it should be refused with 401 and invalid_token within {PROMISE_SECONDS:.0f} seconds.")
        self.terminal.tell(f"WWW-Authenticate         {answer.headers.get('WWW-Authenticate', '(missing)')}")

    def _token(self, application: dict[str, str], **fields: str) -> dict[str, Any]:
        endpoint = self.endpoints["token_endpoint"]
        return self.terminal.call("POST", endpoint, data=fields, auth=_credentials(application))


def _sign_in(browser: Browser, page: Page, person: dict[str, str]) -> Page:
    form = page.form("login", "password")
    if form is None:
        raise Stopped(f"{path(page.url)} ({page.status}) has no sign-in form.")
    page = browser.submit(page, form, login=person["email"], password=person["password"])
    if page.form("login", "password"):
        raise Stopped(f"{person['email']} was not let in. Has the password of demo.json been changed since?")
    return page


def _answer(page: Page, redirect_uri: str) -> dict[str, str]:
    """What the application was sent."""
    if not page.url.startswith(redirect_uri):
        raise Stopped(f"instead of the application, {path(page.url)} answered {page.status}.")
    answer = {name: values[0] for name, values in parse_qs(urlsplit(page.url).query).items()}
    if "error" in answer:
        raise Stopped(f"the application was sent the error {answer['error']}: {answer.get('error_description', '')}")
    return answer


def _claims(token: str) -> dict[str, Any]:
    """What a JWT says. Only looked at here; the API has verified it."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def _demo_file() -> dict[str, Any]:
    file = Path(os.environ.get("DATA_DIR") or "data") / "demo.json"
    try:
        demo: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise Stopped(f"{file} cannot be read; `make run` makes it. ({error})") from None
    return demo


def _server(demo: dict[str, Any]) -> str:
    if url := os.environ.get("URL"):
        return url.rstrip("/")
    port = os.environ.get("PORT")
    return f"http://localhost:{port}" if port else str(demo["issuer"])


def _credentials(holder: dict[str, str]) -> tuple[str, str]:
    return holder["client_id"], holder["client_secret"]


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


if __name__ == "__main__":
    sys.exit(main())
