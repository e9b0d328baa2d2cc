"""The WSGI entry: refuses to start on insecure settings and names every fault at once."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authcenter.settings")

application = get_wsgi_application()

from authcenter.checks import refuse_insecure_settings  # noqa: E402 - needs the settings that the line above loads

refuse_insecure_settings()
