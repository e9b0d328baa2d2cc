from django.apps import AppConfig
from django.core.cache import close_caches
from django.core.handlers.base import reset_urlconf
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, reset_queries


class ServerConfig(AppConfig):
    name = "authcenter.server"
    label = "server"

    def ready(self) -> None:
        """Around a request Django looks after its connections four times; to put them back at the end is enough.

        A connection that is kept has been judged at the end of the request before; SQL is noted, and forgotten at the
        next request, in Django's debug mode only; no cache of ours has something to close; and no request has routes
        of its own.
        """
        request_started.disconnect(close_old_connections)
        request_started.disconnect(reset_queries)
        request_finished.disconnect(close_caches)
        request_finished.disconnect(reset_urlconf)
