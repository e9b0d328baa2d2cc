"""manage.py sweep: delete expired rows now. The server does it by itself; this is for those who want to see it."""

from typing import Any

from django.core.management.base import BaseCommand

from authcenter.server.sweeping import sweep


class Command(BaseCommand):
    help = "Delete expired codes, families, sessions, revocations, deliveries and counters, in slices."

    def handle(self, *args: Any, **options: Any) -> None:
        for name, count in sweep():
            self.stdout.write(f"{name}: {count}")
