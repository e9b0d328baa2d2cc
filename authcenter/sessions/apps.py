from django.apps import AppConfig


class SessionsConfig(AppConfig):
    name = "authcenter.sessions"
    label = "signins"  # "sessions" belongs to Django's own session store

    def ready(self) -> None:
        from rest_framework_simplejwt import state

        from authcenter.sessions.jwt import SessionTokenBackend

        # Every SimpleJWT class asks this one object to encode and decode, so the key ring signs for all of them.
        state.token_backend = SessionTokenBackend()
