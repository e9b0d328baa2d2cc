from django.apps import AppConfig


class ServerConfig(AppConfig):
    name = "authcenter.server"
    label = "server"
