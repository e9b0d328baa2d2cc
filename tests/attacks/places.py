"""Every place where the server, or the library for APIs, accepts a JWT: what is right there, and how it refuses."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from authcenter.resource_server import InvalidToken, Issuer, Verifier
from tests.attacks import forge, refusals
from tests.attacks.rig import Rig, ok
from tests.attacks.scene import PASSWORD, Scene

TYPES = {"access": "at+jwt", "id": "JWT", "session": "session+jwt", "session refresh": "session-refresh+jwt"}


class Genuine:
    """Alice's tokens of each kind, as claims to make others of; and the library as an API would use it."""

    def __init__(self, scene: Scene) -> None:
        rig = Rig(scene)
        self.scene = scene
        got = rig.tokens(rig.web, scene.alice, scope="openid films:read account:read orders:read")
        api = ok(rig.http.post("/api/token/", json={"email": scene.alice.email, "password": PASSWORD}))
        rig.close()
        self.tokens = {
            "access": got["access_token"],
            "id": got["id_token"],
            "session": scene.secret(api["access"]),
            "session refresh": scene.secret(api["refresh"]),
        }
        self.revoked_key = forge.ECKey.import_key(scene.inside.revoked_key())
        self.issuer = Issuer(scene.issuer)
        self.verifier = Verifier(self.issuer, f"{scene.issuer}/demo/api")

    def claims(self, kind: str) -> dict[str, Any]:
        """Right claims of this kind, as of now."""
        return forge.fresh(forge.split(self.tokens[kind])[1])

    def header(self, kind: str) -> dict[str, Any]:
        return forge.split(self.tokens[kind])[0]

    def sign(self, kind: str, claims: Any, **header: Any) -> str:
        """By the server's own key."""
        algorithm = self.header(kind)["alg"]
        return self.scene.sign(claims, TYPES[kind], algorithm, **header)

    def key(self, kind: str) -> Any:
        return self.scene.keys[self.header(kind)["alg"]]


@dataclass(frozen=True)
class Place:
    name: str
    kind: str
    refuses: Callable[[Rig, Genuine, str], None]
    accepts: Callable[[Rig, Genuine, str], None]
    also: str = ""
    """Another kind that is good there, for what it is."""


def _at(path: str) -> tuple[Callable[..., None], Callable[..., None]]:
    def accepts(rig: Rig, _genuine: Genuine, token: str) -> None:
        assert rig.get_as(token, path).status_code == 200

    return lambda rig, _genuine, token: refusals.bearer(rig.get_as(token, path)), accepts


def _posted(path: str, name: str) -> Callable[..., None]:
    def refuses(rig: Rig, _genuine: Genuine, token: str) -> None:
        response = rig.http.post(path, json={name: token})
        assert response.status_code in {400, 401}, (response.status_code, response.text)
        assert "no-store" in response.headers["Cache-Control"] and "access" not in response.json()

    return refuses


def _verifies(rig: Rig, _genuine: Genuine, token: str) -> None:
    assert rig.http.post("/api/token/verify/", json={"token": token}).status_code == 200


def _never_tried(rig: Rig, genuine: Genuine, token: str) -> None:
    """A right one would be used up, and all tests made of it with it."""


def _inactive(rig: Rig, _genuine: Genuine, token: str) -> None:
    refusals.inactive(rig.introspect(rig.scene.films, token))
    refusals.inactive(rig.introspect(rig.web, token))


def _active(rig: Rig, _genuine: Genuine, token: str) -> None:
    assert rig.is_active(rig.scene.films, token) and rig.is_active(rig.web, token)


def _hint_refused(rig: Rig, _genuine: Genuine, token: str) -> None:
    response = rig.browser(rig.scene.alice).authorize(rig.web, prompt="none", id_token_hint=token)
    refusals.redirect(rig, response, rig.web, {"invalid_request", "login_required"})


def _hint_accepted(rig: Rig, _genuine: Genuine, token: str) -> None:
    response = rig.browser(rig.scene.alice).authorize(rig.web, prompt="none", id_token_hint=token)
    assert "code=" in response.headers["Location"]


def _sign_out_refused(rig: Rig, _genuine: Genuine, token: str) -> None:
    sent = {"id_token_hint": token, "client_id": rig.web.id}
    refusals.page(rig, rig.browser(rig.scene.alice).http.get("/oauth/logout", params=sent))


def _sign_out_accepted(rig: Rig, _genuine: Genuine, token: str) -> None:
    sent = {"id_token_hint": token, "client_id": rig.web.id}
    assert rig.browser().http.get("/oauth/logout", params=sent).status_code == 200


def _library_refuses(rig: Rig, genuine: Genuine, token: str) -> None:
    try:
        genuine.verifier.verify(token)
    except InvalidToken:
        return
    raise AssertionError("the library accepts it")


def _library_accepts(rig: Rig, genuine: Genuine, token: str) -> None:
    assert genuine.verifier.verify(token).subject == rig.scene.alice.id


PLACES = [
    Place("userinfo", "access", *_at("/oauth/userinfo")),
    Place("own-api", "access", *_at("/api/me/"), also="session"),
    Place("other-api", "access", *_at("/demo/api/orders/")),
    Place("introspection", "access", _inactive, _active),
    Place("library", "access", _library_refuses, _library_accepts),
    Place("session-api", "session", *_at("/api/sessions/"), also="access"),
    Place("session-verify", "session", _posted("/api/token/verify/", "token"), _verifies),
    Place("session-refresh", "session refresh", _posted("/api/token/refresh/", "refresh"), _never_tried),
    Place("authorize-hint", "id", _hint_refused, _hint_accepted),
    Place("logout-hint", "id", _sign_out_refused, _sign_out_accepted),
]
NAMES = [place.name for place in PLACES]
HINTS = {"authorize-hint", "logout-hint"}
