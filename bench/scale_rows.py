"""The rows of `make bench-data`, as SQL: every column as the server writes it, of the width that it really has.

Each table is one INSERT from generate_series over `n`. Ids are hashes of `n`, so that any row can name any other
without a join, and lie as scattered in their indexes as random ones. Of 100 applications a few have most of the people.
"""

APPLICATIONS = 100
NAME = "Bench application"


def _id(what: str, number: str = "n") -> str:
    return f"md5('{what}' || {number})::uuid"


def _any(texts: str, spread: int | str = 1) -> str:
    """One of the words, another for each `n`, or for so many of them."""
    words = ", ".join(f"'{word}'" for word in texts.split())
    return f"(ARRAY[{words}])[1 + (n / {spread} % {len(texts.split())})::int]"


_NAMESAKES = "(CASE WHEN {rows} < 50000 THEN 60 ELSE 1 END)"
"""Few people have few names, so that a name fills a page of the console whatever the number of rows."""

_GIVEN = _any(
    "Ada Bela Carlos Dana Emre Fatima Goran Hanna Ines Jonas Kofi Lena Marek Noor Olga Pedro Quinn Rosa Sven",
    _NAMESAKES,
)
_FAMILY = _any(
    "Abel Berg Costa Diaz Evans Fischer Garcia Hansen Ito Jansen Kaya Lopez Moreau Novak Okafor Petrov Quist Rossi "
    "Schmidt Tanaka Ueda Varga Weber Xu Yilmaz Zhang Andersson Baker Cruz Dubois Eriksen Fontaine Gruber Horvat",
    f"{_NAMESAKES} / 19",
)
_EMAIL = f"lower({_GIVEN} || '.' || {_FAMILY}) || n || '@mail-' || n % 997 || '.example'"
_SALT, _HASH = "left(md5(n::text), 30)", "md5('a' || n) || left(md5('b' || n), 11)"
_PASSWORD = f"'argon2$argon2id$v=19$m=19456,t=2,p=1$' || {_SALT} || '$' || {_HASH}"
_AGENT = _any("605.1.15 537.36 534.30 603.3.8")
_BROWSER = (
    f"'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/' || {_AGENT} || ' (KHTML, like Gecko) Chrome/126.0.'"
    " || n % 9000 || '.0 Safari/537.36'"
)
_ADDRESS = "'2001:db8:' || to_hex(n % 65000) || ':' || to_hex(n / 65000) || '::' || to_hex(n % 977)"
_AGO = "now() - make_interval(secs => 60 * 86400 * (1 - n / {rows}.0))"
"""Over the last 60 days, the oldest row first: sweeping takes none for a month."""

# Two in five have two applications, the others one or none: the second time round, the next application.
_PERSON = "(1 + (n - 1) % ({rows} * 6 / 10))"
_LIKED = f"(power({_PERSON} * 7919 % 10007 / 10007.0, 3) * {APPLICATIONS})::int"
_APPLICATION = (
    f"(SELECT min(id) FROM oauth_application WHERE name LIKE '{NAME}%')"
    f" + ({_LIKED} + (n - 1) / ({{rows}} * 6 / 10)) % {APPLICATIONS}"
)
SCOPES = ["openid", "profile", "email", "offline_access"]
_SCOPE = " ".join(SCOPES)
_GROUNDS = {
    "user_id": _id("user", _PERSON),
    "application_id": _APPLICATION,
    "authorization_id": _id("authorization"),
    "session_id": _id("session", _PERSON),
    "scope": f"'{_SCOPE}'",
    "resource": "'[]'",
    "asked_claims": "'{}'",
    "membership": "NULL::uuid",
    "auth_time": _AGO,
    "amr": "'[\"pwd\"]'",
    "acr": "'urn:authcenter:acr:1'",
    "user_epoch": "0",
    "application_epoch": "0",
}
"""What a code and the family that it bought say alike."""

TABLES: dict[str, dict[str, str]] = {
    "accounts_user": {
        "id": _id("user"),
        "password": _PASSWORD,
        "last_login": "now() - make_interval(secs => random() * 90 * 86400)",
        "is_superuser": "false",
        "email": _EMAIL,
        "epoch": "0",
        "is_active": "n % 200 > 0",
        "is_staff": "false",
        "date_joined": "now() - make_interval(secs => 3 * 365 * 86400.0 * (1 - n / {rows}.0))",
        "name": f"{_GIVEN} || ' ' || {_FAMILY}",
        "given_name": _GIVEN,
        "family_name": _FAMILY,
        **dict.fromkeys(("middle_name", "nickname", "preferred_username", "profile", "picture", "website"), "''"),
        **dict.fromkeys(("gender", "birthdate", "phone_number"), "''"),
        "zoneinfo": "'Europe/Berlin'",
        "locale": "'de'",
        "phone_number_verified": "false",
        "address": "'{}'",
        "updated_at": "now()",
        "told_of_apps": "true",
        "told_of_sign_ins": "true",
    },
    "account_emailaddress": {
        "email": _EMAIL,
        "verified": "true",
        '"primary"': "true",
        "user_id": _id("user"),
    },
    "signins_session": {
        "id": _id("session"),
        "user_id": _id("user"),
        "user_epoch": "0",
        "kind": "CASE WHEN n % 5 = 0 THEN 'api' ELSE 'browser' END",
        "amr": "'[\"pwd\"]'",
        "acr": "'urn:authcenter:acr:1'",
        **dict.fromkeys(("auth_time", "created"), _AGO),
        "last_seen": "now() - make_interval(secs => power(random(), 4) * 30 * 86400)",
        "expires": "now() + make_interval(secs => (30 + random() * 60) * 86400)",
        "idle_seconds": "CASE WHEN n % 5 = 0 THEN 1209600 ELSE 86400 END",
        "remembered": "n % 5 = 0",
        "address": _ADDRESS,
        "user_agent": _BROWSER,
        "refresh_jti": "CASE WHEN n % 5 = 0 THEN md5('jti' || n) ELSE '' END",
        "ended": "CASE WHEN n % 20 = 1 THEN now() END",
        "ended_by": "CASE WHEN n % 20 = 1 THEN 'signed out' ELSE '' END",
    },
    "oauth_authorization": {
        "id": _id("authorization"),
        "user_id": _id("user", _PERSON),
        "application_id": _APPLICATION,
        "scopes": f"'{str(SCOPES).replace(chr(39), chr(34))}'",
        **dict.fromkeys(("resources", "claims", "declined", "organisations"), "'[]'"),
        **dict.fromkeys(("granted", "updated"), _AGO),
        "last_used": "now() - make_interval(secs => power(random(), 3) * 90 * 86400)",
        "withdrawn": "CASE WHEN n % 100 = 7 THEN now() END",
        "withdrawn_by": "CASE WHEN n % 100 = 7 THEN 'withdrawn' ELSE '' END",
    },
    "oauth_grant": {
        **_GROUNDS,
        "expires": _AGO + " + interval '1 minute'",
        "redirect_uri": "'https://app-' || n % 100 || '.example/oauth/callback'",
        "redirect_uri_sent": "true",
        **dict.fromkeys(("created", "updated", "consumed"), _AGO),
        "code_challenge": "md5('c' || n) || left(md5('d' || n), 11)",
        "code_challenge_method": "'S256'",
        "claims": "''",
        "code": "encode(sha256(('code' || n)::bytea), 'hex')",
        "nonce": "left(md5('nonce' || n), 22)",
        "family": _id("family"),
    },
    "oauth_family": {
        "id": _id("family"),
        **_GROUNDS,
        "offline": "true",
        "created": _AGO,
        "generation": "1 + n % 40",
        "token_hash": "encode(sha256(n::text::bytea), 'hex')",
        "successor": "CASE WHEN n % 3 > 0 THEN repeat(md5('s' || n), 7) ELSE '' END",
        "rotated": "now() - make_interval(secs => random() * 7 * 86400)",
        "expires": "now() + make_interval(secs => (30 + random() * 60) * 86400)",
        "absolute_expires": "now() + interval '90 days'",
        "ended": "CASE WHEN n % 50 = 3 THEN now() END",
        "ended_by": "CASE WHEN n % 50 = 3 THEN 'withdrawn' ELSE '' END",
    },
    "audit_auditevent": {
        "id": _id("event"),
        "at": _AGO,
        "kind": _any("signed_in signed_in signed_in signed_out consent_given sign_in_refused grant_refused"),
        "actor": f"{_id('user')}::text",
        "subject": f"{_id('session')}::text",
        "client_id": "CASE WHEN n % 7 > 3 THEN left(md5((n % 100)::text), 22) ELSE '' END",
        "address": _ADDRESS,
        "user_agent": _BROWSER,
        "request_id": "md5('request' || n)",
        "detail": '\'{"method": "password"}\'',
    },
}
"""Table: column: its expression, where `{rows}` is how many rows there are."""
