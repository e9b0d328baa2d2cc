"""How well a person must have proved who she is for an application: the application's own demand, the essential claim
`acr` (OpenID Connect Core section 5.5.1.1), and what it would like (`acr_values`, section 3.1.2.1; RFC 9470).

A stronger class counts as a weaker one, and the token then names the one that was asked for. Who has a second factor is
asked for it; who has none sets one up where that will do; only then is it the error of "Unmet Authentication
Requirements".
"""

from dataclasses import dataclass
from typing import Any

from django.urls import reverse
from django.utils.http import urlencode
from oauthlib.common import Request

from accounts import factors
from accounts.models import User
from accounts.sign_in import ACR_ONE, ACR_PASSKEY, ACR_TWO, ACRS, is_as_good_as
from authcenter.oauth.authorization_request import Asked
from authcenter.oauth.errors import InteractionRequired, LoginRequired, UnmetAuthenticationRequirements
from authcenter.oauth.models import Application
from authcenter.oauth.pending import Pending


@dataclass(frozen=True)
class Demand:
    floor: str
    """The weakest class that the operator lets into this application."""
    essential: frozenset[str] | None
    liked: tuple[str, ...]

    @classmethod
    def of(cls, application: Application, asked: Asked) -> "Demand":
        return cls(floor_of(application), asked.claims.essential_acr, asked.acr_values)

    def is_met_by(self, acr: str) -> bool:
        return is_as_good_as(acr, self.floor) and (self.essential is None or _is_one_of(acr, self.essential))

    def is_pleased_by(self, acr: str) -> bool:
        return self.is_met_by(acr) and (not self.liked or _is_one_of(acr, self.liked))

    def told(self, acr: str) -> str:
        """What the token says: the class itself, or the strongest of those asked for that it is as good as."""
        named = self.essential or self.liked
        if acr in named:
            return acr
        return next((known for known in reversed(ACRS) if known in named and is_as_good_as(acr, known)), acr)


def floor_of(application: Application) -> str:
    return ACR_TWO if application.second_factor else ACR_ONE


def step(
    request: Request, demand: Demand, user: User, how: dict[str, Any], waiting: Pending | None, *, silent: bool
) -> str:
    """Where she goes first, as the address of a page without its `next`; empty where what she has proved will do.

    Raises where nothing that she could do would, or where she may not be asked.
    """
    acr = str(how["acr"])
    if demand.is_pleased_by(acr):
        return ""
    best = factors.best_acr(user)
    tried = waiting is not None and 0 < waiting.stepped_at < how["auth_time"]
    if demand.is_met_by(acr) and (silent or tried or not demand.is_pleased_by(best)):
        return ""
    if demand.is_met_by(best) and not tried:
        if silent:
            raise LoginRequired(request=request, description="A stronger sign-in is needed.")
        return again(user, phishing_resistant=not demand.is_pleased_by(ACR_TWO) and demand.is_pleased_by(ACR_PASSKEY))
    if best == ACR_ONE and demand.is_met_by(ACR_TWO):
        if silent:
            raise InteractionRequired(request=request, description="A second factor has to be set up first.")
        return reverse("second-factor-set-up")
    raise UnmetAuthenticationRequirements(request=request)


def again(user: User, *, phishing_resistant: bool = False) -> str:
    """The page that asks a person for her second factor, or that sets one up where she has none."""
    if not factors.has_any(user):
        return reverse("second-factor-set-up")
    page = reverse("mfa_reauthenticate")
    return f"{page}?{urlencode({'way': factors.WEBAUTHN})}" if phishing_resistant else page


def _is_one_of(acr: str, wanted: Any) -> bool:
    return any(is_as_good_as(acr, one) for one in wanted)
