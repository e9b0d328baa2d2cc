"""What stands between a first proof of who somebody is and a sign-in: the stages that the library runs through.

`AccountAdapter.get_login_stages` says in which order. Until the last is passed, the browser is a stranger.
"""

from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.stages import LoginStage
from allauth.core.internal.httpkit import headed_redirect_response
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.http import HttpResponse

from accounts import factors

_SAME_MOMENT = 2.0
"""Seconds: some of the library's flows note the proof just before they begin the sign-in."""

_Outcome = tuple[HttpResponse | None, bool]


class FreshStage(LoginStage):
    """Each sign-in counts its own proofs: what was proved for one that was never finished is forgotten."""

    key = "fresh"

    def handle(self) -> _Outcome:
        since = self.login.initiated_at - _SAME_MOMENT
        records: list[dict[str, Any]] = get_authentication_records(self.request, self.login.user)
        fresh = [record for record in records if float(record.get("at", 0)) >= since]
        if fresh != records:
            self.request.session[AUTHENTICATION_METHODS_SESSION_KEY] = fresh
        return None, True


class SecondFactorStage(LoginStage):
    """Who has a second factor proves it, by whatever door she came. A passkey that verified its user is both."""

    key = "mfa_authenticate"
    urlname = "mfa_authenticate"

    def handle(self) -> _Outcome:
        user = self.login.user
        if user is None or not factors.has_any(user) or did_use_passwordless_login(self.request, user):
            return None, True
        return headed_redirect_response(self.urlname), True
