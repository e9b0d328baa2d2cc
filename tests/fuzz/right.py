"""Right requests to each endpoint: what the fuzzer changes things in, so that it gets past the first checks."""

from typing import Any

from tests.fuzz.request import Pairs, Request

CHALLENGE = "«challenge»"
EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
BEARER = "urn:ietf:params:oauth:grant-type:jwt-bearer"
DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
ACCESS = "urn:ietf:params:oauth:token-type:access_token"
ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


def proof(app: str) -> tuple[Pairs, Pairs]:
    """Headers and parameters by which an application says who it is, by its own method."""
    if app in {"keyjwt", "secretjwt"}:
        return (), (("client_assertion_type", ASSERTION), ("client_assertion", f"«assert:{app}»"))
    if app == "post":
        return (), (("client_id", "«post.id»"), ("client_secret", "«post.secret»"))
    if app in {"spa", "native", "kiosk"}:
        return (), (("client_id", f"«{app}.id»"),)
    return (("Authorization", f"«basic:{app}»"),), ()


def form(endpoint: str, path: str, app: str, *pairs: tuple[str, str]) -> Request:
    headers, more = proof(app)
    return Request(endpoint, "POST", path, headers=headers, form=(*more, *pairs))


def body(endpoint: str, method: str, path: str, value: Any, *headers: tuple[str, str]) -> Request:
    return Request(endpoint, method, path, headers=headers, json=value, has_json=True)


def get(endpoint: str, path: str, *query: tuple[str, str], who: str = "", bearer: str = "") -> Request:
    headers = (("Authorization", f"Bearer {bearer}"),) if bearer else ()
    return Request(endpoint, "GET", path, query=query, headers=headers, who=who)


def authorization(app: str, **changes: str) -> Pairs:
    asked = {
        **{"client_id": f"«{app}.id»", "redirect_uri": f"«{app}.redirect»", "response_type": "code", "scope": "openid"},
        **{"state": "s-1", "nonce": "n-1", "code_challenge": CHALLENGE, "code_challenge_method": "S256"},
    }
    return tuple((name, value) for name, value in {**asked, **changes}.items() if value)


def code(app: str) -> Request:
    pairs = (("code", f"«alice.code_{app}»"), ("redirect_uri", f"«{app}.redirect»"), ("code_verifier", "«verifier»"))
    return form("token", "/oauth/token", app, ("grant_type", "authorization_code"), *pairs)


def grant(app: str, kind: str, *pairs: tuple[str, str]) -> Request:
    return form("token", "/oauth/token", app, ("grant_type", kind), *pairs)


_DESCRIBED: dict[str, Any] = {
    **{"client_name": "Fuzz", "redirect_uris": ["https://registered.test/cb"], "scope": "openid email"},
    **{"grant_types": ["authorization_code", "refresh_token"], "response_types": ["code"], "contacts": ["a@b.test"]},
    **{"token_endpoint_auth_method": "client_secret_basic", "application_type": "web", "default_max_age": 60},
    **{"logo_uri": "«site»/logo.png", "client_uri": "https://registered.test/", "tos_uri": "https://registered.test/t"},
    **{"policy_uri": "https://registered.test/p", "jwks_uri": "«site»/jwks", "subject_type": "public"},
    **{"post_logout_redirect_uris": ["https://registered.test/bye"], "id_token_signed_response_alg": "ES256"},
    **{"backchannel_logout_uri": "«site»/logout", "frontchannel_logout_uri": "https://registered.test/f"},
    **{"userinfo_signed_response_alg": "ES256", "require_auth_time": True, "software_id": "s", "software_version": "1"},
    **{"initiate_login_uri": "https://registered.test/i", "sector_identifier_uri": "«document»"},
    **{"backchannel_logout_session_required": True, "token_endpoint_auth_signing_alg": "ES256"},
}
_POINT = {"x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"}
_OWN = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [{"kty": "EC", "crv": "P-256", **_POINT}]}}
_MINE = ("Authorization", "Bearer «registered.token»")
_AT = "/oauth/register/«registered.id»"
_SMALL = {"client_name": "Small", "redirect_uris": ["https://registered.test/cb"]}
_DOCUMENT = {**_SMALL, "client_id": "«self»", "scope": "openid", "logo_uri": "«site»/l.png"}
_FAR = authorization("web", client_id="«document»", redirect_uri="https://registered.test/cb")
_SECTOR = ["https://registered.test/cb"]
_PASSWORD = {"email": "«alice.email»", "password": "«alice.password»"}
_HINT = ("id_token_hint", "«alice.id_token»")
_BYE = (("client_id", "«web.id»"), ("post_logout_redirect_uri", "«web.bye»"), ("state", "s"))
_LEGACY = authorization("legacy", response_type="code id_token token", response_mode="form_post")
_TXN, _FORGED = ("txn", "«alice.txn»"), ("csrfmiddlewaretoken", "«csrf»")


def _claims() -> Pairs:
    wanted = '{"userinfo":{"email":{"essential":true}},"id_token":{"acr":{"values":["x"]},"name":null}}'
    more = {"claims": wanted, "max_age": "9", "ui_locales": "de en", "acr_values": "0", "login_hint": "a@b.test"}
    return authorization("web", **more, id_token_hint="«alice.id_token»", prompt="none", display="page")


def _pages(endpoint: str, path: str, *pairs: tuple[str, str], who: str = "alice") -> Request:
    return Request(endpoint, "POST", path, form=(_FORGED, *pairs), who=who)


RIGHT: dict[str, list[Request]] = {
    "authorize": [
        *(get("authorize", "/oauth/authorize", *authorization(app), who="alice") for app in ("web", "spa", "native")),
        get("authorize", "/oauth/authorize", *authorization("post")),
        get("authorize", "/oauth/authorize", *_claims(), who="alice"),
        get("authorize", "/oauth/authorize", *_LEGACY, who="alice"),
        get("authorize", "/oauth/authorize", *authorization("legacy", response_type="id_token token"), who="bob"),
        get("authorize", "/oauth/authorize", *authorization("web", resource="https://goods.test/", prompt="login")),
        get("authorize", "/oauth/authorize", _TXN, who="alice"),
        Request("authorize", "POST", "/oauth/authorize", form=authorization("web"), who="alice"),
        Request("authorize", "POST", "/oauth/authorize", form=_claims()),
    ],
    "document": [
        Request("document", "GET", "/oauth/authorize", _FAR, document=_DOCUMENT),
        Request("document", "GET", "/oauth/authorize", _FAR, who="bob").but(document={**_DOCUMENT, **_OWN}),
    ],
    "token": [
        *(code(app) for app in ("web", "post", "secretjwt", "keyjwt", "spa", "native", "opaque", "legacy")),
        grant("web", "refresh_token", ("refresh_token", "«alice.refresh»"), ("scope", "openid")),
        grant("opaque", "refresh_token", ("refresh_token", "«bob.opaque_refresh»")),
        grant("machine", "client_credentials", ("scope", "goods:read"), ("resource", "https://goods.test/")),
        grant("kiosk", DEVICE, ("device_code", "«alice.device_allowed»")),
        grant("kiosk", DEVICE, ("device_code", "«bob.device_code»")),
        grant(
            "legacy", "password", ("username", "«alice.email»"), ("password", "«alice.password»"), ("scope", "openid")
        ),
        grant("bearer", BEARER, ("assertion", "«assert:voucher»"), ("scope", "openid")),
        grant("middle", EXCHANGE, ("subject_token", "«alice.subject»"), ("subject_token_type", ACCESS)).but(address=1),
        grant("opaque", EXCHANGE, ("subject_token", "«bob.opaque»"), ("subject_token_type", ACCESS)),
    ],
    "userinfo": [
        *(get("userinfo", "/oauth/userinfo", bearer=f"«alice.{kind}»") for kind in ("access_token", "opaque")),
        Request("userinfo", "POST", "/oauth/userinfo", form=(("access_token", "«bob.access_token»"),)),
    ],
    "api": [
        *(get("api", path, bearer="«alice.session_access»") for path in ("/api/me/", "/api/sessions/", "/api/schema/")),
        get("api", "/api/sessions/", ("limit", "2"), ("offset", "1"), bearer="«bob.access_token»"),
        get("api", "/api/me/", bearer="«alice.access_token»"),
        Request("api", "DELETE", "/api/sessions/«bob.session_sid»/").but(
            headers=(("Authorization", "Bearer «bob.session_access»"),)
        ),
        get("api", "/demo/api/orders/", bearer="«alice.demo_token»"),
    ],
    "revoke": [
        form("revoke", "/oauth/revoke", "web", ("token", "«bob.refresh»"), ("token_type_hint", "refresh_token")),
        form("revoke", "/oauth/revoke", "opaque", ("token", "«bob.opaque»")),
        form("revoke", "/oauth/revoke", "machine", ("token", "«machine.access_token»")),
    ],
    "introspect": [
        form("introspect", "/oauth/introspect", "goods", ("token", "«alice.subject»")),
        form("introspect", "/oauth/introspect", "web", ("token", "«alice.access_token»")),
        form("introspect", "/oauth/introspect", "opaque", ("token", "«alice.opaque»"), ("token_type_hint", "x")),
        form("introspect", "/oauth/introspect", "keyjwt", ("token", "«alice.refresh»")),
    ],
    "register": [
        body("register", "POST", "/oauth/register", _DESCRIBED).but(document=_SECTOR),
        body("register", "POST", "/oauth/register", _SMALL).but(address=2),
        body("register", "POST", "/oauth/register", {**_DESCRIBED, **_OWN, "jwks_uri": None}).but(
            address=3, document=_SECTOR
        ),
        body("register", "PUT", _AT, {**_DESCRIBED, "client_id": "«registered.id»"}, _MINE).but(document=_SECTOR),
        Request("register", "GET", _AT, headers=(_MINE,)),
        Request("register", "DELETE", _AT, headers=(_MINE,)),
    ],
    "device": [
        form("device", "/oauth/device", "kiosk", ("scope", "openid goods:read"), ("resource", "https://goods.test/")),
        form("device", "/oauth/device", "camera", ("scope", "openid")),
    ],
    "device page": [
        get("device page", "/device", ("user_code", "«alice.device_code_user»"), who="alice"),
        _pages("device page", "/device", ("user_code", "«bob.device_code_user»")),
        get("device page", "/device/confirm", ("txn", "«alice.device_txn»"), who="alice"),
        _pages("device page", "/device/confirm", ("txn", "«alice.device_txn»"), ("allow", "1")),
        _pages("device page", "/device/confirm", ("txn", "«bob.device_txn»"), ("deny", "1"), who="bob"),
    ],
    "public": [
        get("public", "/.well-known/jwks.json"),
        get("public", "/.well-known/openid-configuration"),
        get("public", "/.well-known/oauth-authorization-server"),
        get("public", "/.well-known/oauth-protected-resource/api"),
    ],
    "feed": [get("feed", "/.well-known/revocations", ("after", "0")), get("feed", "/.well-known/revocations")],
    "logo": [get("logo", f"/oauth/logo/«{app}.pk»") for app in ("web", "spa", "disabled")],
    "session tokens": [
        body("session tokens", "POST", "/api/token/", _PASSWORD),
        body("session tokens", "POST", "/api/token/", {**_PASSWORD, "transport": "cookie"}),
        *(
            body("session tokens", "POST", "/api/token/verify/", {"token": f"«{who}.session_access»"})
            for who in ("alice", "bob")
        ),
        *(
            body("session tokens", "POST", f"/api/token/{at}/", {"refresh": f"«{who}.session_refresh»"})
            for who, at in (("alice", "refresh"), ("bob", "logout"))
        ),
    ],
    "consent": [
        get("consent", "/oauth/consent", _TXN, who="alice"),
        _pages("consent", "/oauth/consent", _TXN, ("allow", "1")),
        _pages("consent", "/oauth/consent", _TXN, ("deny", "1")),
        _pages("consent", "/oauth/switch-account", _TXN),
    ],
    "logout": [
        get("logout", "/oauth/logout", _HINT, *_BYE),
        get("logout", "/oauth/logout", *_BYE, who="bob"),
        get("logout", "/oauth/logout", _HINT, *_BYE, who="alice"),
        Request("logout", "POST", "/oauth/logout", form=(_HINT, *_BYE), who="bob"),
        _pages("logout", "/oauth/logout/confirm", *_BYE, ("confirm", "1"), who="bob"),
        get("logout", "/oauth/logout/done"),
    ],
}
