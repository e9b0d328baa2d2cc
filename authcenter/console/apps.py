from django.apps import AppConfig


class ConsoleConfig(AppConfig):
    name = "authcenter.console"
    label = "console"
