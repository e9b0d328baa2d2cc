"""The whole sign-in as a browser and an application make it: authorize, the page, the password, the code's exchange.

The browser is one that was here before: its cookies stay, but for the sign-in. Argon2, which makes up most of it, is
measured by itself: `argon2_milliseconds`.
"""

import threading
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from authcenter.demo.browser import Browser
from bench.figures import quantile
from bench.peers.credentials import CHALLENGE, REDIRECT_URI, VERIFIER
from bench.peers.wrk import Failed, Run

BROWSERS = 4


def load(issuer: str, person: dict[str, str], application: dict[str, str]) -> Callable[[float], Run]:
    """What signs this person in again and again, from `BROWSERS` browsers, for so many seconds."""
    browsers = [Browser(stop_at=REDIRECT_URI) for _ in range(BROWSERS)]

    def run(seconds: float) -> Run:
        took: list[float] = []
        wrong: list[str] = []
        began = time.monotonic()

        def go(browser: Browser) -> None:
            while time.monotonic() < began + seconds and not wrong:
                at = time.monotonic()
                try:
                    _once(browser, issuer, person, application)
                except (Failed, requests.RequestException) as error:
                    wrong.append(str(error))
                    return
                took.append((time.monotonic() - at) * 1000)

        threads = [threading.Thread(target=go, args=(browser,)) for browser in browsers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        if wrong or not took:
            raise Failed(f"sign-in: {wrong[0] if wrong else 'none came to its end'}")
        rate = len(took) / (time.monotonic() - began)
        return Run(len(took), rate, quantile(took, 0.5), quantile(took, 0.99))

    return run


def argon2_milliseconds() -> float:
    """Checking a password with the parameters of `accounts.hashers`: the least of five, in this process."""
    from argon2 import PasswordHasher, Type

    from accounts.hashers import Argon2

    hasher = PasswordHasher(Argon2.time_cost, Argon2.memory_cost, Argon2.parallelism, type=Type.ID)
    kept, took = hasher.hash("a password"), []
    for _ in range(5):
        began = time.perf_counter()
        hasher.verify(kept, "a password")
        took.append((time.perf_counter() - began) * 1000)
    return min(took)


def _once(browser: Browser, issuer: str, person: dict[str, str], application: dict[str, str]) -> None:
    cookies = browser._http.cookies
    if "session" in cookies:
        del cookies["session"]
    asked = {
        "response_type": "code",
        "client_id": application["client_id"],
        "redirect_uri": REDIRECT_URI,
        "scope": "openid",
        "state": "bench",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    page = browser.open(f"{issuer}/oauth/authorize?{urlencode(asked)}")
    form = page.form("login", "password")
    if form is None:
        raise Failed(f"no form to sign in with at {page.url.partition('?')[0]}, {page.status}")
    page = browser.submit(page, form, login=person["email"], password=person["password"])
    code: Any = parse_qs(urlsplit(page.url).query).get("code")
    if not code:
        raise Failed(f"no code, but {page.url.partition('?')[0]}, {page.status}")
    answer = browser._http.post(
        f"{issuer}/oauth/token",
        data={
            "grant_type": "authorization_code",
            "redirect_uri": REDIRECT_URI,
            "code_verifier": VERIFIER,
            "code": code[0],
        },
        auth=(application["client_id"], application["client_secret"]),
        timeout=30,
    )
    if answer.status_code != 200:
        raise Failed(f"the code's exchange: {answer.status_code} {answer.text[:200]}")
