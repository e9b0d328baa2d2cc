"""Where django-allauth asks us: sign-in and sign-out make and end `Session` rows, refusals are counted and recorded."""

from allauth.account.adapter import DefaultAccountAdapter
from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from accounts.sign_in import SID, authentication, current_session, forget_current_session
from authcenter.audit import events
from authcenter.audit.address import client_address
from authcenter.sessions.revocation import end_session
from authcenter.sessions.start import start_browser_session


class AccountAdapter(DefaultAccountAdapter):  # type: ignore[misc]
    def get_client_ip(self, request: HttpRequest) -> str:
        return client_address(request)

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        super().login(request, user)
        how = authentication(request, user)
        session = start_browser_session(
            request, user, amr=how["amr"], acr=how["acr"], remember=not request.session.get_expire_at_browser_close()
        )
        request.session[SID] = str(session.pk)
        forget_current_session(request)
        request.user = user
        events.record(request, events.Kind.SIGNED_IN, actor=user.pk, subject=session.pk, amr=how["amr"])

    def logout(self, request: HttpRequest) -> None:
        session = current_session(request)
        super().logout(request)
        forget_current_session(request)
        if session is not None and end_session(session.pk, reason="signed out"):
            events.record(request, events.Kind.SIGNED_OUT, actor=session.user_id, subject=session.pk)
