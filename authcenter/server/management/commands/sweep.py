"""manage.py sweep: delete expired rows. Run it from cron, every hour or every day; it is safe at any time."""

import time
from typing import Any

from django.core.management.base import BaseCommand

from authcenter.server.sweeping import sweep


class Command(BaseCommand):
    help = "Delete expired codes, families, sessions, revocations and counters, in slices."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in sweep(pause=lambda: time.sleep(0.01)):
            self.stdout.write(f"{name}: {count}")
