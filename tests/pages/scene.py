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


@dataclass(frozen=True)
class Scene:
    server: Server
    made: dict[str, Any]
    """What `making.py` has made: client identifiers of `app`, `native` and `tv`, addresses of the people, …"""

    @classmethod
    def make(cls, server: Server) -> "Scene":
        code = f"from tests.pages.making import make; make({PASSWORD!r}, {server.url!r})"
        made = server.python(code).splitlines()[-1]
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
