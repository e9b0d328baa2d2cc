"""The WSGI entry: refuses to start on insecure settings and names every fault at once."""

import os

from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.core.wsgi import get_wsgi_application
from django.utils.http import parse_header_parameters

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authcenter.settings")


class _Request(WSGIRequest):
    """Django reads the query by the charset of the body while it makes the request: some of those that Python knows
    decode no text, and fail where nobody answers. Here everything is UTF-8 (`Utf8Middleware`)."""

    def _set_content_type_params(self, meta: dict[str, str]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


application: WSGIHandler = get_wsgi_application()
application.request_class = _Request

from authcenter.checks import refuse_insecure_settings  # noqa: E402 - needs the settings that the line above loads

refuse_insecure_settings()
