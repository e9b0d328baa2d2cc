"""What stands between a first proof of who somebody is and a sign-in: the stages that the library runs through.

`AccountAdapter.get_login_stages` says in which order. Until the last is passed, the browser is a stranger.
"""

from typing import Any

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.stagekit import stash_login
from allauth.account.stages import LoginStage
from allauth.account.utils import get_next_redirect_url
from allauth.core.internal.httpkit import headed_redirect_response
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare

from accounts import deletion, factors, policy, trusted_browsers
from accounts.sign_in import ACR_TWO, as_it_is, authentication, is_as_good_as

_SAME_MOMENT = 2.0
"""Seconds: some of the library's flows note the proof just before they begin the sign-in."""

_Outcome = tuple[HttpResponse | None, bool]


class FreshStage(LoginStage):
    """Each sign-in counts its own proofs: what was proved for one that was never finished is forgotten. And it is for
    the account as it is now: a new password in between makes a proof of the old one void."""

    key = "fresh"

    def handle(self) -> _Outcome:
        since = self.login.initiated_at - _SAME_MOMENT
        records: list[dict[str, Any]] = get_authentication_records(self.request, self.login.user)
        fresh = [record for record in records if float(record.get("at", 0)) >= since]
        if fresh != records:
            self.request.session[AUTHENTICATION_METHODS_SESSION_KEY] = fresh
        if self.login.user is not None:
            self.state["account"] = as_it_is(self.login.user)
        return None, True


class PageStage(LoginStage):
    """A stage with a page of its own."""

    def is_resumable(self, request: HttpRequest) -> bool:
        """Somebody who comes to the sign-in page again, on another way, goes on from here to there."""
        if (onward := get_next_redirect_url(request)) and onward != self.login.redirect_url:
            self.login.redirect_url = onward
            stash_login(request, self.login)
        return True

    @property
    def is_void(self) -> bool:
        """Whether the account has changed since the first proof."""
        fresh = self.controller.get_stage(FreshStage.key)
        return not constant_time_compare(fresh.state.get("account", ""), as_it_is(self.login.user))


class SecondFactorStage(PageStage):
    """Who has a second factor proves it, by whatever door she came: but for a passkey that has verified its user, which
    is both, and a browser that she trusts."""

    key = "mfa_authenticate"
    urlname = "mfa_authenticate"

    def handle(self) -> _Outcome:
        user = self.login.user
        if user is None or not factors.has_any(user) or did_use_passwordless_login(self.request, user):
            return None, True
        if trusted_browsers.is_trusted(self.request, user):
            return None, True
        return headed_redirect_response(self.urlname), True


class SetUpStage(PageStage):
    """Who must have a second factor and has none sets one up before the sign-in is whole."""

    key = "second_factor_set_up"
    urlname = "second-factor-set-up"

    def handle(self) -> _Outcome:
        user = self.login.user
        if user is None or factors.has_any(user) or not policy.needs_second_factor(user):
            return None, True
        return headed_redirect_response(self.urlname), True

    @property
    def is_void(self) -> bool:
        """Also where she has got a factor elsewhere in the meantime: this browser has not shown it."""
        user = self.login.user
        shown = is_as_good_as(authentication(self.request, user)["acr"], ACR_TWO)
        return super().is_void or (factors.has_any(user) and not shown)


class DeletionStage(PageStage):
    """Whoever asked to be deleted is asked whether to keep the account; it is closed until then."""

    key = "deletion"
    urlname = "account-keep"

    def handle(self) -> _Outcome:
        user = self.login.user
        if user is None or not deletion.waits(user):
            return None, True
        return headed_redirect_response(self.urlname), True

    def renew(self) -> None:
        """The account is open again: what was proved for it holds."""
        self.controller.get_stage(FreshStage.key).state["account"] = as_it_is(self.login.user)
