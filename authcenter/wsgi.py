"""The WSGI entry: refuses to start on insecure settings and names every fault at once."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authcenter.settings")
django.setup(set_prefix=False)

from authcenter.checks import refuse_insecure_settings  # noqa: E402 - needs what the line above loads
from authcenter.handler import Handler  # noqa: E402

application = Handler()
refuse_insecure_settings()
