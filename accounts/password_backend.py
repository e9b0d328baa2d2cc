"""Which account a password may be tried for."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from accounts import deletion


class PasswordBackend(AuthenticationBackend):
    def user_can_authenticate(self, user: Any) -> bool:
        """Whoever asked to be deleted may still prove who she is: the sign-in page asks whether to keep the account.
        Other doors refuse her, as `AccountAdapter.authenticate` knows."""
        return bool(super().user_can_authenticate(user) or deletion.waits(user))
