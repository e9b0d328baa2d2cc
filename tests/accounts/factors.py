"""An authenticator app for tests, and what a person does with it at the pages, through Django's test client."""

import re
import time
from typing import Any

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value
from django.test import Client

from tests.accounts.people import secret

_SEED = re.compile(r'class="seed" translate="no">([A-Z2-7 ]+)<')
_RECOVERY = re.compile(r"<li><code>([B-Z]{4}-[B-Z]{4}-[B-Z]{4})</code>")
APP = "/account/security/app/"
CODES = "/account/security/codes/"


class AuthenticatorApp:
    """Knows a seed; gives the code of now, or of so many steps of 30 seconds from now."""

    def __init__(self, page: Any) -> None:
        found = _SEED.search(page.content.decode() if hasattr(page, "content") else page)
        assert found, "no seed on the page"
        self.seed = found[1].replace(" ", "")
        secret(self.seed)

    def code(self, steps: int = 0) -> str:
        return secret(format_hotp_value(hotp_value(self.seed, int(time.time()) // 30 + steps)))


def set_up(browser: Any) -> AuthenticatorApp:
    """By the page of one's own account. The code of the step before now is used up by it."""
    client = Client(HTTP_HOST="localhost")  # without the proof against forgery that pages carry
    client.cookies = browser.cookies
    app = AuthenticatorApp(client.get(APP))
    for _again in range(2):  # a step may end between the code and the look at it
        step = int(time.time()) // 30
        answer = client.post(APP, {"code": app.code(-1)})
        if answer.status_code == 302 or int(time.time()) // 30 == step:
            break
    assert answer.status_code == 302, answer.content.decode()[-3000:]
    return app


def new_codes(client: Any) -> list[str]:
    return recovery_codes(client.post(CODES))


def recovery_codes(page: Any) -> list[str]:
    found = _RECOVERY.findall(page.content.decode())
    for code in found:
        secret(code)
    return found


def second_step(client: Any, code: str, **more: Any) -> Any:
    return client.post("/accounts/2fa/", {"code": code, **more})
