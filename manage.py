#!/usr/bin/env python
"""The command line: `manage.py serve`, `rotate_keys`, `seed_demo` and what Django brings."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authcenter.settings")
    try:
        execute_from_command_line(sys.argv)
    except ImproperlyConfigured as error:
        sys.exit(f"AuthCenter does not start with these settings. {error}")
