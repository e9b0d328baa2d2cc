"""Who and what is on the pages: very long names, many rows, and one who has next to nothing."""

import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import httpx

from tests.live import Server

PASSWORD = "a long enough sentence 7"
EVERYTHING = "openid profile email address phone offline_access goods:0 goods:1 goods:2 goods:3"

_MAKE = """
import json
from allauth.account.models import EmailAddress
from django.utils import timezone
from datetime import timedelta
from accounts.models import User
from authcenter.oauth.models import API, Authorization, Scope
from authcenter.oauth.registration import new_application
from authcenter.sessions.models import Session

def person(email, **fields):
    user = User.objects.create_user(email, {password!r}, **fields)
    EmailAddress.objects.create(user=user, email=email, verified=True, primary=True)
    return user

long = person(
    "maximiliane-alexandra.von-und-zu-hohenlohe@a-long-domain.example",
    name="Maximiliane Alexandra Freifrau von und zu Hohenlohe-Langenburg",
    phone_number="+49 30 1234567", website="https://example.com/a/rather/long/address/that/does/not/break/anywhere",
)
plain = person("keys-only@example.com")
guesser = person("guesser@example.com")
api = API.objects.create(identifier="https://goods.example/", name="Orders and deliveries of the warehouse")
Scope.objects.bulk_create(
    Scope(api=api, name=f"goods:{{number}}", title=title, description=told, access=access, sensitive=number == 3)
    for number, (title, told, access) in enumerate([
        ("See your orders", "", "read"),
        ("See deliveries", "Where they are, and when they come.", "read"),
        ("Place orders in your name", "", "write"),
        ("Change the account that is charged", "It may cost you money.", "write"),
    ])
)
about = {{
    "publisher": "Example Incorporated and Company", "client_uri": "https://example.com/",
    "policy_uri": "https://example.com/privacy", "tos_uri": "https://example.com/terms",
}}
app, _ = new_application(
    "web", "The Extraordinarily Long-Named Warehouse Management Application of Example Incorporated",
    redirect_uris="{url}/rp/callback", **about,
    identity_scopes=["openid", "profile", "email", "address", "phone", "offline_access"],
)
native, _ = new_application("native", "Terminal Tool", redirect_uris="http://127.0.0.1/cb")
tv, _ = new_application("device", "The Extraordinarily Long-Named Television of Example Incorporated", **about)
for one in (app, native, tv):
    one.save()
    one.scopes.set(api.scopes.all())
now = timezone.now()
agents = [
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/19.0 "
    "Mobile/15E148 Safari/604.1", "warehouse-sync/2.1", "",
]
Session.objects.bulk_create(
    Session(user=long, kind="api" if number % 3 else "browser", expires=now + timedelta(days=9), idle_seconds=10**6,
            user_agent=agents[number % 4], address="2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff")
    for number in range(23)
)
for number in range(22):
    small, _ = new_application("spa", f"Sample application {{number}}", redirect_uris="https://a.example/cb")
    small.save()
    Authorization.objects.create(user=long, application=small, scopes=["openid", "email"])
print(json.dumps({{
    "app": app.client_id, "native": native.client_id, "tv": tv.client_id,
    "long": long.email, "plain": plain.email, "guesser": guesser.email,
}}))
"""


@dataclass(frozen=True)
class Scene:
    server: Server
    made: dict[str, str]
    """Client identifiers of the applications `app`, `native` and `tv`; addresses of the people."""

    @classmethod
    def make(cls, server: Server) -> "Scene":
        made = server.python(_MAKE.format(password=PASSWORD, url=server.url)).splitlines()[-1]
        people = {name: person["email"] for name, person in server.demo["people"].items()}
        return cls(server, {**json.loads(made), **people})

    def password(self, who: str) -> str:
        told = self.server.demo["people"].get(who)
        return told["password"] if told else PASSWORD

    def asks(self, app: str, scope: str = EVERYTHING, **more: str) -> str:
        """Where this application sends a person who is to sign in."""
        query = {
            "response_type": "code",
            "client_id": self.made[app],
            "redirect_uri": "http://127.0.0.1:4567/cb" if app == "native" else f"{self.server.url}/rp/callback",
            "scope": scope,
            "state": "s",
            "code_challenge": "a" * 43,
            "code_challenge_method": "S256",
            **more,
        }
        return f"/oauth/authorize?{urlencode(query)}"

    def device_code(self, scope: str = EVERYTHING) -> dict[str, Any]:
        """What the television shows, and what it asks with."""
        form = {"client_id": self.made["tv"], "scope": scope}
        answer = httpx.post(f"{self.server.url}/oauth/device", data=form, headers={"User-Agent": "tv-os/12"})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def mailed_code(self, to: str) -> str:
        mail = [message for message in self.server.mails() if f"To: {to}" in message][-1]
        found = re.search(r"^\s*([B-Z]{4}-[B-Z]{4})\s*$", mail, re.MULTILINE)
        assert found, mail
        return found[1]
