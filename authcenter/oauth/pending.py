"""What was asked: authorization requests that wait for a person, kept on the server in the browser's session.

Each step of the sign-in returns to the authorization endpoint with the request's key (`txn`); the endpoint decides
the next step from what is stored here. Nothing of a request travels in hidden fields, so nothing can be changed.
"""

import secrets
import time
from dataclasses import asdict, dataclass, field
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.http import urlencode

from authcenter.oauth.models import Application
from authcenter.oauth.parameters import Parameters

_KEY = "authorize"
_MOST = 10
_SECONDS = 3600


@dataclass
class Pending:
    """One request that waits. `asked_at` is what `prompt=login` and `max_age=0` are measured from."""

    key: str
    pairs: list[list[str]]
    asked_at: float
    name: str = ""
    logo: str = ""
    policy: str = ""
    terms: str = ""
    stylesheet: str = ""
    text: str = ""
    """What the operator has to say to who signs in to this application."""
    shown_to: str = ""
    """Whom the consent page was shown: another person's answer does not count."""
    choices: list[str] = field(default_factory=list)
    """What the consent page left to her (`granting.choices`)."""
    consented: bool = False
    chosen: str = ""
    """Whom the account chooser was left with for this request."""
    organisation: str = ""
    """Whom she acts for: her id and that of the organisation (`acting_for`)."""
    pushed: str = ""
    """Key of the pushed request that this is; one answer uses it up."""
    stepped_at: float = 0.0
    """`auth_time` when she was sent to prove more: a later one says that she has, and that it may not have sufficed."""

    @property
    def parameters(self) -> Parameters:
        return Parameters(tuple((name, value) for name, value in self.pairs))

    @property
    def path(self) -> str:
        """Where each step returns to."""
        return f"{reverse('oauth-authorize')}?{urlencode({'txn': self.key})}"


def keep(
    request: HttpRequest, parameters: Parameters, application: Application, asked_at: float, pushed: str
) -> Pending:
    """Store a checked request. The oldest of more than ten makes room."""
    pending = Pending(
        key=secrets.token_urlsafe(16),
        pairs=[list(pair) for pair in parameters.pairs],
        asked_at=asked_at,
        name=application.name,
        logo=application.shown_logo,
        policy=application.policy_uri,
        terms=application.tos_uri,
        stylesheet=application.stylesheet,
        text=application.sign_in_text,
        pushed=pushed,
    )
    save(request, pending)
    return pending


def save(request: HttpRequest, pending: Pending) -> None:
    waiting = {**_waiting(request), pending.key: asdict(pending)}
    newest = sorted(waiting.values(), key=lambda entry: entry["asked_at"])[-_MOST:]
    request.session[_KEY] = {entry["key"]: entry for entry in newest}


def find(request: HttpRequest, key: str) -> Pending | None:
    entry = _waiting(request).get(key)
    return Pending(**entry) if entry else None


def drop(request: HttpRequest, pending: Pending) -> None:
    """The request was answered; its form works no more."""
    request.session[_KEY] = {key: entry for key, entry in _waiting(request).items() if key != pending.key}


def _waiting(request: HttpRequest) -> dict[str, dict[str, Any]]:
    entries = request.session.get(_KEY) or {}
    return {key: entry for key, entry in entries.items() if entry["asked_at"] > time.time() - _SECONDS}
