"""What is compared: each piece of work, whose figure it is held against, and what is to be reached."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

from bench.peers import wrk
from bench.peers.processes import Server
from bench.peers.wrk import Ask

POSTGRESQL, SQLITE = "PostgreSQL", "SQLite"

NAMES = {
    "authcenter": "AuthCenter",
    "toolkit": "django-oauth-toolkit",
    "node": "node-oidc-provider",
    "plain": "plain Django",
    "drf": "stock DRF",
    "named": "BENCH_URL",
}

WORKS = {
    "json": "plain JSON view, no middleware",
    "client_credentials_es256": "client credentials, JWT by ES256",
    "client_credentials_rs256": "client credentials, JWT by RS256",
    "client_credentials_opaque": "client credentials, opaque token",
    "code": "code exchange with openid",
    "refresh": "refresh",
    "introspection": "introspection of a machine's token",
    "userinfo": "userinfo",
    "jwks": "JWKS",
    "discovery": "discovery",
    "feed": "feed poll, nothing new",
    "sign_in_page": "sign-in page",
    "sign_in": "full browser sign-in: authorize, password, code exchange",
    "me_oauth": "DRF: /api/me/ with an OAuth token",
    "me_session": "DRF: /api/me/ with a session JWT",
    "drf_open": "DRF view, unauthenticated",
    "drf_offline_seen": "DRF view, OAuth token seen before, offline",
    "drf_checked_seen": "DRF view, OAuth token seen before, with the revocation check",
    "drf_offline_first": "DRF view, OAuth token at first sight, offline",
    "drf_checked_first": "DRF view, OAuth token at first sight, with the revocation check",
    "drf_toolkit": "DRF view, django-oauth-toolkit's token",
    "drf_simplejwt": "DRF view, SimpleJWT's token",
    "drf_simplejwt_stateless": "DRF view, SimpleJWT's token, stateless",
    "revocation": "revocation",
    "client_credentials_hashed": "client credentials, opaque token, secret hashed as by default",
}
"""In the order of each round: what adds living revocations comes late, and what leaves a queue behind last."""

ONCE = {"code", "refresh", "revocation", "drf_offline_first", "drf_checked_first"}
"""Where each request uses up what is good once: lists of it are made beforehand."""

SPARE = 200
"""Of each list, for looking at answers and counting SQL."""


class Against(NamedTuple):
    """At least `least` times the rate of somebody's work; `least` 0 tells the ratio only. No database: the same."""

    server: str
    work: str
    least: float = 0.0
    database: str | None = None


AGAINST: dict[str, list[Against]] = {
    "client_credentials_es256": [
        Against("node", "client_credentials_es256", 1.0, ""),
        Against("toolkit", "client_credentials_opaque", 6.0),
    ],
    "client_credentials_rs256": [
        Against("node", "client_credentials_rs256", 0.0, ""),
        Against("toolkit", "client_credentials_opaque"),
    ],
    "code": [Against("node", "code", 0.0, ""), Against("toolkit", "code", 4.0)],
    "refresh": [Against("node", "refresh", 0.0, ""), Against("toolkit", "refresh", 5.0)],
    "introspection": [Against("node", "introspection", 0.7, ""), Against("toolkit", "introspection")],
    "userinfo": [Against("node", "userinfo", 0.7, ""), Against("toolkit", "userinfo")],
    "jwks": [Against("plain", "json", 0.6, ""), Against("node", "jwks", 0.0, ""), Against("toolkit", "jwks")],
    "discovery": [
        Against("plain", "json", 0.0, ""),
        Against("node", "discovery", 0.0, ""),
        Against("toolkit", "discovery"),
    ],
    "feed": [Against("plain", "json", 0.6, "")],
    "revocation": [Against("node", "revocation", 0.0, ""), Against("toolkit", "revocation")],
    "me_oauth": [Against("toolkit", "drf_toolkit")],
    "me_session": [Against("toolkit", "drf_simplejwt")],
    "drf_offline_seen": [Against("drf", "drf_open", 0.8, "")],
    "drf_checked_seen": [Against("drf", "drf_open", 0.8, "")],
    "drf_offline_first": [Against("drf", "drf_open", 0.6, "")],
    "drf_checked_first": [Against("drf", "drf_open", 0.6, "")],
}
"""Of AuthCenter's work."""

MOST_STATEMENTS = {"code": 8, "refresh": 6}
"""SQL in a request, BEGIN and COMMIT counted."""

LEAST_PER_SECOND = {"sign_in_page": 500}
MOST_MEGABYTES = 180
"""Memory of a worker."""

Loading = Callable[[float], wrk.Run]


@dataclass(frozen=True)
class Cell:
    """One piece of work on one server."""

    work: str
    server: str
    database: str
    running: Server
    ask: Callable[[], Ask] | None = None
    """Made anew before each run, as some of it changes: where the feed stands, say."""

    load: Loading | None = None
    """Instead, where one request is not the work: runs it for so many seconds."""

    connections: int = wrk.CONNECTIONS
    seconds: float | None = None
    """Of its one and only run, where an answer takes so long that short runs say nothing."""

    @property
    def key(self) -> tuple[str, str, str]:
        return self.work, self.server, self.database
