from django.apps import AppConfig


class KeysConfig(AppConfig):
    name = "authcenter.keys"
    label = "keys"
