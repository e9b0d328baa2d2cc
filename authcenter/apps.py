from django.apps import AppConfig


class AuthCenterConfig(AppConfig):
    name = "authcenter"

    def ready(self) -> None:
        from authcenter import checks  # noqa: F401 - registers them, so that every command names insecure settings
