from django.apps import AppConfig


class DemoConfig(AppConfig):
    name = "authcenter.demo"
    label = "demo"
