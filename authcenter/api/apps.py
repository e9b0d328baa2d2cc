from django.apps import AppConfig


class ApiConfig(AppConfig):
    name = "authcenter.api"
    label = "api"
