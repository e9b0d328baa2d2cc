"""The attacker's tools: a client that checks every answer, right requests to change one thing in, browsers.

What holds for every answer, whatever was asked (`Rig.check`): no status of 500 and above, no code, token, secret,
stack trace or SQL in an error, and an answer in bounded time.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.attacks.scene import PASSWORD, Person, Scene
from tests.oauth.flow import VERIFIER, App, answer
from tests.stranger import Stranger

LEAK = re.compile(
    r"Traceback|File \"/|site-packages|\b(SELECT|INSERT INTO|UPDATE|DELETE FROM) .*(FROM|VALUES|SET|WHERE)"
)
SECONDS = 15
"""No answer takes longer, on any machine: who waits for one silent host may have to wait for another first, five
seconds each."""

BIG = 200_000
"""Bytes of a body that the server may refuse to read."""

FORM = "application/x-www-form-urlencoded"


class Visitor(Stranger):
    """A person's browser, from an address of its own."""

    def __init__(self, rig: "Rig") -> None:
        super().__init__(rig.url, rig.client())
        self.rig = rig

    def authorize(self, app: App, **changes: Any) -> httpx.Response:
        """One answer of the authorization endpoint."""
        return self.http.get("/oauth/authorize?" + urlencode(app.request(**changes), doseq=True))

    def raw(self, path: str) -> httpx.Response:
        """A path with a query as it stands, byte for byte."""
        return self.http.get("/", extensions={"target": path.encode("latin-1")})

    def ask(self, app: App, **changes: Any) -> "Visitor":
        """The authorization endpoint, redirects followed."""
        self.open("/oauth/authorize?" + urlencode(app.request(**changes), doseq=True))
        return self

    def enter(self, person: Person) -> "Visitor":
        """Be signed in by the form, which takes long; once for each person."""
        if person.id not in self.rig.scene.cookies:
            self.open("/accounts/login/").sign_in(person.email, PASSWORD)
            assert self.page is not None and self.page.status_code == 200, self.page
            self.rig.scene.cookies[person.id] = self.http.cookies
        self.http.cookies = self.rig.scene.cookies[person.id]
        return self

    def sign_in_anew(self, person: Person) -> "Visitor":
        """A sign-in of its own, for tests that end it."""
        self.open("/accounts/login/").sign_in(person.email, PASSWORD)
        return self

    def allow(self) -> "Visitor":
        self.submit("allow", press="allow")
        return self

    def is_signed_in(self) -> bool:
        return self.http.get("/account/").status_code == 200

    def remove_app(self, authorization: str) -> None:
        """Take a consent back."""
        page = f"/account/apps/{authorization}/remove/"
        token = self.open(page).form("csrfmiddlewaretoken").fields
        assert self.http.post(page, data=token, headers={"Origin": self.url}).status_code == 302

    def code(self, app: App, **changes: Any) -> str:
        """A code; she agrees where she is asked."""
        self.ask(app, **changes)
        if not self.left_to:
            self.allow()
        return self.rig.scene.secret(answer(self.left_to)["code"])


class Rig:
    """One attacker, from one address."""

    def __init__(self, scene: Scene) -> None:
        self.scene, self.url, self.issuer, self.inside = scene, scene.server.url, scene.issuer, scene.inside
        self._address = scene.address()
        self._clients: list[httpx.Client] = []
        self.http = self.client()

    def __getattr__(self, name: str) -> App:
        """`rig.web` is the application of this name."""
        return self.scene.apps[name]

    def client(self, address: str = "", **options: Any) -> httpx.Client:
        """A client that keeps cookies and follows nothing."""
        made = httpx.Client(
            base_url=self.url,
            transport=httpx.HTTPTransport(local_address=address or self._address, verify=False),
            trust_env=False,
            timeout=60,
            event_hooks={"response": [self.check]},
            **options,
        )
        self._clients.append(made)
        return made

    def elsewhere(self) -> "Rig":
        """The same from another address."""
        return Rig(self.scene)

    def close(self) -> None:
        for client in self._clients:
            client.close()

    def browser(self, person: Person | None = None) -> Visitor:
        visitor = Visitor(self)
        return visitor.enter(person) if person else visitor

    def check(self, response: httpx.Response) -> None:
        """What holds for every answer."""
        response.read()
        assert response.status_code < 500, (response.request.method, response.request.url, response.text[:500])
        assert response.elapsed.total_seconds() < SECONDS, (response.request.url, response.elapsed)
        refusal = response.status_code >= 400 or "error=" in response.headers.get("Location", "")
        if refusal:
            told = response.text + "\n" + str(response.headers)
            assert not LEAK.search(told), told[:2000]
            leaked = [secret for secret in tuple(self.scene.secrets) if secret in told]  # other threads may add some
            assert not leaked, f"{response.request.url} tells a secret: {told[:2000]}"

    # --- Right requests -----------------------------------------------------------------------------------------

    def post(self, path: str, data: Any, app: App | None = None, **headers: str) -> httpx.Response:
        """A form to a protocol endpoint: a dict (None leaves out), a list of pairs, or raw; authenticated as `app`."""
        proof = app.proof() if app else {"data": {}, "headers": {}}
        if isinstance(data, dict):
            data = {name: value for name, value in {**proof["data"], **data}.items() if value is not None}
        elif isinstance(data, list):
            data = [*proof["data"].items(), *data]
        body = data if isinstance(data, str | bytes) else urlencode(data, doseq=True)
        headers = {"Content-Type": FORM, **proof["headers"], **headers}
        return self.patient(lambda more: self.http.post(path, content=body, headers={**headers, **more}), len(body))

    @staticmethod
    def patient(send: Callable[[dict[str, str]], httpx.Response], length: int) -> httpx.Response:
        """The server hangs up on a body that it does not want to read, and its answer may be lost in that: again."""
        if length < BIG:
            return send({})
        for _attempt in range(9):
            with suppress(httpx.TransportError):
                return send({"Connection": "close"})
        return send({"Connection": "close"})

    def token(self, app: App | None, data: Any, **headers: str) -> httpx.Response:
        response = self.post("/oauth/token", data, app, **headers)
        if response.status_code == 200:
            for name in {"access_token", "refresh_token", "id_token"} & response.json().keys():
                self.scene.secret(response.json()[name])
        return response

    def redeem(self, app: App, code: str, **changes: Any) -> httpx.Response:
        right = {"code": code, "redirect_uri": app.redirect_uri, "code_verifier": VERIFIER}
        return self.token(app, {"grant_type": "authorization_code", **right, **changes})

    def refresh(self, app: App, token: str, **changes: Any) -> httpx.Response:
        return self.token(app, {"grant_type": "refresh_token", "refresh_token": token, **changes})

    def machine_token(self, scope: str | None = "films:read", app: App | None = None, **changes: Any) -> httpx.Response:
        return self.token(app or self.machine, {"grant_type": "client_credentials", "scope": scope, **changes})

    def tokens(self, app: App, person: Person, browser: Visitor | None = None, **changes: Any) -> dict[str, Any]:
        """What a whole authorization buys."""
        return ok(self.redeem(app, (browser or self.browser(person)).code(app, **changes)))

    def introspect(self, caller: App, token: str, **changes: Any) -> httpx.Response:
        return self.post("/oauth/introspect", {"token": token, **changes}, caller)

    def revoke(self, app: App | None, token: str | None, **changes: Any) -> httpx.Response:
        return self.post("/oauth/revoke", {"token": token, **changes}, app)

    def userinfo(self, token: str) -> httpx.Response:
        return self.http.get("/oauth/userinfo", headers={"Authorization": f"Bearer {token}"})

    def get_as(self, token: str, path: str) -> httpx.Response:
        return self.http.get(path, headers={"Authorization": f"Bearer {token}"})

    def is_active(self, caller: App, token: str) -> bool:
        return bool(ok(self.introspect(caller, token))["active"])

    def scattered(self) -> "Rig":
        """The same with a connection for each request: the server's workers take turns at those."""
        other = self.elsewhere()
        other.http.headers["Connection"] = "close"
        return other

    # --- Looks ------------------------------------------------------------------------------------------------------

    @contextmanager
    def untouched(self) -> Iterator[None]:
        """Nothing is stored, consumed or ended meanwhile."""
        before = self.inside.stored()
        yield
        assert self.inside.stored() == before

    def audited(self, response: httpx.Response) -> list[str]:
        """What the audit log says of this request."""
        return [event["kind"] for event in self.inside.events(response.headers["X-Request-ID"])]


def soon(holds: Callable[[], bool]) -> None:
    """For what another worker may learn a moment later, however slow the machine is."""
    deadline = time.monotonic() + SECONDS
    while not holds():
        assert time.monotonic() < deadline, "it never happens"
        time.sleep(0.02)


def ok(response: httpx.Response) -> dict[str, Any]:
    assert response.status_code == 200, (response.status_code, response.text[:1000])
    told: dict[str, Any] = response.json()
    return told
