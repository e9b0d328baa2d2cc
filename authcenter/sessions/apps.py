from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class SessionsConfig(AppConfig):
    name = "authcenter.sessions"
    label = "signins"  # "sessions" belongs to Django's own session store
    verbose_name = _("Sign-ins")

    def ready(self) -> None:
        from rest_framework_simplejwt import state

        from authcenter.sessions.jwt import SessionTokenBackend

        # Every SimpleJWT class asks this one object to encode and decode, so the key ring signs for all of them.
        state.token_backend = SessionTokenBackend()
