"""manage.py seed_demo: sample people, applications and an API, for a demo on loopback only."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from authcenter.demo import data_file
from authcenter.demo.seed import seed


class Command(BaseCommand):
    help = "Make the demo's people, applications and API, and write DATA_DIR/demo.json. Harmless to repeat."

    def handle(self, *args: Any, **options: Any) -> None:
        if not settings.DEMO:
            raise CommandError("DEMO is not set: sample accounts belong on nobody's real server.")
        seed()
        if options["verbosity"]:
            self.stdout.write(f"Demo accounts and applications are in {data_file.path()}")
