from django.apps import AppConfig


class AuditConfig(AppConfig):
    name = "authcenter.audit"
    label = "audit"
