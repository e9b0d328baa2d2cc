from django.apps import AppConfig
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries


class ServerConfig(AppConfig):
    name = "authcenter.server"
    label = "server"

    def ready(self) -> None:
        """Nobody needs to hear of the begin and end of a request.

        The handler looks after its thread's connection, once; SQL is noted, and forgotten at the next request, in
        Django's debug mode only; no cache of ours has something to close; and no request has routes of its own.
        """
        request_started.disconnect(close_old_connections)
        request_started.disconnect(reset_queries)
        request_finished.disconnect(close_old_connections)
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)
