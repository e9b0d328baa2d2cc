"""What requests are changed with: hostile texts and JSON, and real credentials in places where they do not belong."""

from typing import Any

from tests.fuzz import jwts

HOSTILE = [
    *(
        "",
        " ",
        "\0",
        "a\0b",
        "\ud800",
        "a\udfffb",
        "\ufeff",
        "\u202eevil",
        "𝕏" * 40,
        "\x7f",
        "\x1b[2J",
        "\r\nX-Evil: 1",
    ),
    *("«long:300»", "«long:9000»", "«long:33000»", "a " * 400, "0", "-1", "1e999", "9" * 400, "NaN", "null", "true"),
    *("[]", "{}", "«deep:[»", '«deep:{"a":»', "«raw»%", "«raw»%zz", "«raw»%ff%fe", "«raw»%u0041", "«raw»%c0%80", "%00"),
    *("' OR 1=1 --", '"><script>alert(1)</script>', "{{7*7}}", "{% debug %}", "${7*7}", "../../etc/passwd", "*", "a,b"),
    *("javascript:alert(1)", "//evil.test/", "https://evil.test/cb", "https://rp1.test@evil.test/cb", "/\\evil.test"),
    *("https://rp1.test/cb/../x", "https://rp1.test/cb#x", "http://127.0.0.1:99999/cb", "http://[::1", "https://"),
    *(
        "https://localhost:x/c.json",
        "«document»",
        "«site»/none",
        "«issuer»",
        "«issuer»/api",
        "urn:ietf:wg:oauth:2.0:oob",
    ),
    *(
        "openid openid",
        "openid\tprofile",
        "none login",
        "S256",
        "plain",
        "code token id_token",
        "form_post",
        "2038-01-19",
    ),
]
"""Each in the place of any value. Addresses of others are of names that nobody has."""

_KINDS = (
    *("access_token", "refresh", "stale_refresh", "id_token", "spent_code", "code_web", "code_spa", "code_native"),
    *("opaque", "opaque_refresh", "subject", "device_code", "device_allowed", "device_denied", "session_access"),
    *("session_refresh", "cookie", "txn", "device_txn", "email", "id", "sid", "session_sid", "device_allowed_user"),
)
REAL = [f"«{who}.{kind}»" for who in ("alice", "bob") for kind in _KINDS] + [
    *("«machine.access_token»", "«registered.token»", "«registered.id»", "«registered.secret»", "«web.id»", "«spa.id»"),
    *("«kiosk.id»", "«disabled.id»", "«web.secret»", "«goods.id»", "«goods.secret»", "«web.redirect»", "«verifier»"),
    *("«assert:keyjwt»", "«assert:secretjwt»", "«assert:voucher»", "«csrf»"),
]

JSON_TEXTS = [
    *(
        "null",
        "true",
        '""',
        "0",
        "-1",
        "1e30",
        "9" * 25,
        "[]",
        "{}",
        "[[]]",
        '[""]',
        '{"a":{}}',
        '"\\u0000"',
        '"\\ud800"',
    ),
    *('"x"', "1.5", "[null]", '["x","y"]', "", '"' + "y" * 300 + '"'),
]
"""What a claim is changed to; nothing leaves it out."""

CLAIMS = (
    *("iss", "sub", "aud", "exp", "iat", "nbf", "jti", "sid", "gid", "fid", "uep", "aep", "scope", "client_id", "acr"),
    *("amr", "auth_time", "act", "token_use", "azp", "nonce", "userinfo_claims", "email", "email_verified", "at_hash"),
)
HEADERS = ("alg", "kid", "typ", "crit", "jwk", "jku", "x5c", "b64", "zip", "cty", "enc", "x5u")
JWTS = ("access_token", "id_token", "subject", "session_access", "session_refresh")
CHANGES = [
    *jwts.CHANGES,
    *(f"{how}:{name}={text}" for how in ("claim", "resign") for name in CLAIMS for text in JSON_TEXTS),
    *(f"{how}:{name}={text}" for how in ("header", "rehead") for name in HEADERS for text in JSON_TEXTS),
]

_KEY = {
    **{"kty": "EC", "crv": "P-256", "kid": "k", "alg": "ES256", "use": "sig", "key_ops": ["verify"]},
    **{"x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU"},
}
"""A good one, to change in."""

JSON: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**31,
        2**63,
        2**70,
        10**400,
        1e308,
        float("inf"),
        float("nan"),
        [],
        {},
        [[]],
        [{}],
    ),
    *([None], [1], [""], ["\0"], {"": ""}, {"a": {"b": [1]}}, ["x"] * 300, {"\0": 1}, {"keys": []}, {"keys": [{}]}),
    {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
    {"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB"}]},
    {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
    *({"keys": [{**_KEY, name: value}]} for name in _KEY for value in ([], {}, 1, None, "", "x", "AAAA", "é", "\0")),
    {"keys": [_KEY, _KEY]},
    {"keys": [{"kty": 1, "kid": [], "alg": {}, "use": None}]},
]
BODIES = [
    *(
        "",
        "\0",
        "«deep:[»",
        '«deep:{"a":»',
        "[" * 5000 + "]" * 5000,
        '{"a":' * 2000 + "1" + "}" * 2000,
        "{",
        '{"a":1,"a":2}',
    ),
    *(
        '{"a": NaN}',
        '{"a": 1e999}',
        '{"a": ' + "9" * 5000 + "}",
        '"text"',
        "null",
        "[]",
        "\ufeff{}",
        '{"\\ud800": "\\udfff"}',
    ),
    *(
        "a=b&a=b",
        "&&&&",
        "=",
        "a" * 5000,
        "«long:270000»",
        "&".join(f"p{n}=1" for n in range(150)),
        "%",
        "a=%zz",
        "\ud800=\ud800",
    ),
    *("--x\r\nContent-Disposition: form-data; name=a\r\n\r\n1\r\n--x--\r\n", "<?xml version='1.0'?><a/>"),
]
"""Whole bodies."""

METHODS = ["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE", "PROPFIND", "get"]
TYPES = [
    *(
        "application/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
    ),
    *(
        "text/plain",
        "application/x-www-form-urlencoded; charset=utf-7",
        "application/json; charset=utf-16",
        "x",
        "/",
        ";;",
    ),
    *("application/jwt", "application/x-www-form-urlencoded;charset=", "a/b; charset=\xff", "application/vnd.api+json"),
]
AUTHORIZATIONS = [
    *(
        "Basic",
        "Basic ",
        "Basic !!!!",
        "Basic Og==",
        "Basic /w==",
        "Basic «basic:web|plain»",
        "Bearer",
        "Bearer ",
        "bearer x",
    ),
    *("Bearer a b c", "DPoP x", "Negotiate x", "\xff\xfe", "Basic «long:9000»", "Bearer «long:9000»", "Basic AAA6AAA="),
    *("«basic:web»", "«basic:spa»", "«basic:machine»", "«basic:goods»", "«basic:disabled»", "«basic:registered»"),
    *(
        "«basic:secretjwt»",
        "Bearer «registered.token»",
        "Bearer «machine.access_token»",
        "Bearer «alice.session_access»",
    ),
    *(
        "Bearer «bob.access_token»",
        "Bearer «alice.session_refresh»",
        "Bearer «alice.id_token»",
        "Bearer «alice.opaque»",
    ),
]
OTHER_HEADERS = [
    *(("Origin", value) for value in ("https://spa.test", "https://evil.test", "null", "«issuer»", "\xff", "http://[")),
    *(("Host", value) for value in ("evil.test", "localhost:1", "", "localhost:x", "[::1", "a" * 300)),
    *(("X-Forwarded-For", value) for value in ("1.2.3.4", "x", "::1, 127.0.0.1", "\xff", "1" * 5000)),
    *(
        ("Accept", value)
        for value in ("*/*", "text/html", "application/token-introspection+jwt", "x/y;q=z", ";", "\xff")
    ),
    *(("Accept-Language", value) for value in ("de", "x" * 600, "en;q=9,*;q=", "\xff")),
    *(("If-None-Match", value) for value in ("*", '"x"', "W/", '"\xff')),
    *(
        ("Cookie", value)
        for value in ("session=x", "session=; csrf=", "a=b; session=\xff", "session=" + "x" * 9000, ";;=;")
    ),
    *(("Cookie", value) for value in ("access=«alice.session_access»; refresh=«alice.session_refresh»; csrf=«csrf»",)),
    *(("X-CSRFToken", value) for value in ("«csrf»", "x", "\xff", "x" * 64)),
    *(("Range", "bytes=0-1"), ("Expect", "x"), ("X-HTTP-Method-Override", "DELETE"), ("User-Agent", "\xff" * 600)),
    *(
        ("Referer", "http://["),
        ("X-Requested-With", "XMLHttpRequest"),
        ("Content-Encoding", "gzip"),
        ("Upgrade", "h2c"),
    ),
    *(("If-Modified-Since", "x"), ("X-Forwarded-Proto", "https"), ("Forwarded", "for=x"), ("DPoP", "a.b.c")),
]
