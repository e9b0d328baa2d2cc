"""What holds for every answer, whatever was asked. Each property yields what is wrong, in words."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qsl, urljoin, urlsplit

from tests.fuzz.request import Request, Sent
from tests.fuzz.wire import Answer
from tests.fuzz.world import World

PROTOCOL = {"token", "revoke", "introspect", "device", "register"}
"""Their errors are JSON with `error`, and nothing of theirs is kept by a cache."""

BACK_CHANNEL = PROTOCOL | {"userinfo", "public", "feed"}
"""What no browser's cookie has to do with."""

_PATHS = {
    **{name: f"/oauth/{name}" for name in ("token", "revoke", "introspect", "device", "userinfo")},
    **{
        "public": r"/\.well-known/[a-z.-]+",
        "feed": "/.well-known/revocations",
        "register": r"/oauth/register(/[\w.~-]+)?",
    },
}
_LEAK = re.compile(
    r"Traceback \(most|File \"/|site-packages|\b(?:SELECT|DELETE) .{1,80}\bFROM |INSERT INTO|UPDATE \w+ SET"
    r"|sqlite3\.|psycopg|OperationalError|IntegrityError|DataError|DoesNotExist|RecursionError|django\.\w+\."
)
_PRIVATE_MEMBER = re.compile(r'"(?:d|p|q|dp|dq|qi|k)"\s*:\s*"[\w-]{16,}"')
_FORM_ACTION = re.compile(r'<form[^>]*\baction="([^"]*)"')
_ECHO = {"authorize", "document", "logout", "device page", "register"}
"""Pages and redirects that carry on what their own caller said, and metadata that is told as it was sent."""


def faults(world: World, asked: Request, sent: Sent, answer: Answer) -> Iterator[str]:
    if answer.status >= 500:
        yield f"status {answer.status}"
    yield from _leaks(world, asked, sent, answer)
    if _is_at_its_endpoint(asked, sent, answer):
        yield from _protocol(asked, sent, answer)
    yield from _redirects(world, asked, sent, answer)
    if answer.status >= 400 and re.search(r"\b(access|refresh)=[^;\s\"]", answer.header("set-cookie")):
        yield "tokens in cookies with a refusal"


def _leaks(world: World, asked: Request, sent: Sent, answer: Answer) -> Iterator[str]:
    """A secret that the caller did not send is in no answer; one that it sent is in none of the back channel's."""
    told = f"{answer.text}\n" + "\n".join(f"{name}: {value}" for name, value in answer.headers)
    said = sent.text()
    for leak in (_LEAK, _PRIVATE_MEMBER):
        found = leak.search(told)
        if found and found[0] not in said and found[0][:12] not in said:
            yield f"the answer shows {found[0][:60]!r}"
    secrets = world.told(told)
    if not secrets:
        return
    own = world.told(said + "\n" + "\n".join(value for pair in parse_qsl(said.replace("\n", "&")) for value in pair))
    if secrets - own:
        yield f"the answer tells {len(secrets - own)} secrets that it was not told"
    elif asked.endpoint not in _ECHO and answer.status != 200 and not _is_sent_back(asked, answer):
        yield f"the answer repeats a secret, status {answer.status}"


def _is_sent_back(asked: Request, answer: Answer) -> bool:
    """A redirect that adds a slash or leads to the sign-in page carries the query on."""
    return 300 <= answer.status < 400 and asked.endpoint not in PROTOCOL


def _is_at_its_endpoint(asked: Request, sent: Sent, answer: Answer) -> bool:
    """Neither at another address, which answers as nothing does, nor refused before the application is asked: 414 and
    431 are the web server's own."""
    if answer.status in {414, 431}:
        return False
    path = urlsplit(sent.target).path
    right = re.fullmatch(_PATHS.get(asked.endpoint, ""), path)
    headers = {name.lower() for name, _value in sent.headers}
    return bool(right) and not headers & {"host", "expect", "upgrade"}


def _protocol(asked: Request, sent: Sent, answer: Answer) -> Iterator[str]:
    if asked.endpoint in BACK_CHANNEL and answer.has("set-cookie"):
        yield f"a cookie at the back channel: {answer.header('set-cookie')[:12]}"
    if asked.endpoint not in PROTOCOL:
        return
    if sent.method != "OPTIONS" and "no-store" not in answer.header("cache-control"):
        yield f"status {answer.status} may be kept by a cache"
    if answer.status < 400 or sent.method == "HEAD":
        return
    try:
        error = json.loads(answer.body)["error"]
    except (ValueError, KeyError, TypeError):
        yield f"status {answer.status} without error: {answer.header('content-type')}"
        return
    if not isinstance(error, str) or not answer.header("content-type").startswith("application/json"):
        yield f"status {answer.status} with an error that is none: {error!r}"


def _redirects(world: World, asked: Request, sent: Sent, answer: Answer) -> Iterator[str]:
    """To this server's own pages; from the authorization endpoint to an address of the very client that asks, too."""
    where = [answer.header("location")] if answer.has("location") else []
    if answer.header("content-type").startswith("text/html"):
        where += [action.replace("&amp;", "&") for action in _FORM_ACTION.findall(answer.text) if ":" in action]
    for location in where:
        if _is_own(world, location):
            continue
        if asked.endpoint in {"authorize", "document", "consent"}:
            good = _registered(world, asked, sent)
        elif asked.endpoint == "logout":
            good = world.byes
        else:
            good = set()
        if not any(_leads_to(location, uri) for uri in good):
            yield f"sent to {location[:120]!r}"


def _is_own(world: World, location: str) -> bool:
    if re.search(r"[\\\x00-\x20\x7f-\xff]", location):
        return False
    return urljoin(f"{world.issuer}/x", location).startswith(f"{world.issuer}/") and not location.startswith("//")


def _registered(world: World, asked: Request, sent: Sent) -> set[str]:
    """The addresses of the client that the request names; what waits under a `txn` is of the native one."""
    told = parse_qsl(urlsplit(sent.target).query)
    named = [value for name, value in told if name == "client_id"]
    uris = {uri for app in world.apps.values() if named == [app["id"]] for uri in app["redirects"]}
    if asked.endpoint == "consent" or any(name == "txn" for name, _value in told):
        uris |= {*world.apps["native"]["redirects"]}
    if asked.endpoint == "document":
        uris |= {"https://registered.test/cb"}
    return uris


def _leads_to(location: str, uri: str) -> bool:
    if uri.startswith(("http://127.0.0.1/", "http://[::1]/")):  # RFC 8252 section 7.3: any port
        location = re.sub(r"^(http://(?:127\.0\.0\.1|\[::1\])):\d+/", r"\1/", location)
    return location == uri or location.startswith((f"{uri}?", f"{uri}#", f"{uri}&"))
