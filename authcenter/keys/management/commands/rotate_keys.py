"""manage.py rotate_keys: the next key signs, the old one still verifies. Safe to run at any time, also from cron."""

from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from authcenter.audit import events
from authcenter.keys.models import Key
from authcenter.keys.rotation import due, ensure_keys, rotate


class Command(BaseCommand):
    help = "Rotate the signing keys. Tokens that are alive stay valid."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--algorithm", help="only this one, for example ES256")
        parser.add_argument("--if-older-than", type=int, metavar="DAYS", help="only keys active for longer than this")
        parser.add_argument("--ensure", action="store_true", help="make missing keys and stop")

    def handle(self, *args: Any, **options: Any) -> None:
        for key in ensure_keys():
            self.stdout.write(f"made {key.algorithm} {key.kid} ({key.state})")
        if options["ensure"]:
            return
        active = Key.objects.filter(state=Key.State.ACTIVE).values_list("algorithm", flat=True)
        algorithms = [options["algorithm"]] if options["algorithm"] else list(active)
        if options["if_older_than"] is not None:
            algorithms = [name for name in due(timedelta(days=options["if_older_than"])) if name in algorithms]
        for algorithm in algorithms:
            key = rotate(algorithm)
            events.record(None, events.Kind.KEY_ROTATED, actor="rotate_keys", subject=key.kid, algorithm=algorithm)
            self.stdout.write(f"{algorithm}: {key.kid} signs now; its predecessor still verifies")
        if not algorithms:
            self.stdout.write("nothing to rotate")
