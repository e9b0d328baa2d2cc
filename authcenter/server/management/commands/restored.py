"""manage.py restored: to be run once after a restore from backup, before the server answers again."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from authcenter.server.restoring import end_everything


class Command(BaseCommand):
    help = "After a restore from backup: end every session and token, and make new signing keys."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--yes", action="store_true", help="Do not ask.")

    def handle(self, *args: Any, **options: Any) -> None:
        self.stdout.write(
            "What was taken back since the backup is forgotten, so everything that was given out ends: all people\n"
            "sign in again, all applications get new tokens, and new keys sign. Accounts, consents and settings stay."
        )
        if not options["yes"] and input("Go on? [y/N] ").strip().lower() not in {"y", "yes"}:
            raise CommandError("Nothing was changed.")
        ended = end_everything()
        self.stdout.write(
            f"Ended: {ended.sessions} sessions, {ended.keys} keys; raised the epoch of {ended.people} people and "
            f"{ended.applications} applications. A new feed has begun."
        )
