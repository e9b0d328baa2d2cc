"""Checks a list of stolen passwords' hashes, or sorts one: `breached_passwords FILE [--sort NEW_FILE]`."""

import heapq
import re
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

AT_ONCE = 2_000_000
"""Lines that are sorted in memory: some 200 MB."""

_LINE = re.compile(rb"([0-9A-Fa-f]{40})(:[0-9]{1,12})?")


class Command(BaseCommand):
    help = "Check that a list of SHA-1 hashes is as BREACHED_PASSWORDS_FILE needs it, or sort it."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", type=Path)
        parser.add_argument("--sort", type=Path, metavar="NEW_FILE", help="write the same hashes there, sorted")

    def handle(self, *args: Any, **options: Any) -> None:
        source, target = options["file"], options["sort"]
        try:
            if target is None:
                count = _checked(source)
            else:
                count = _sorted(source, target)
        except OSError as error:
            raise CommandError(str(error)) from error
        self.stdout.write(f"{count} hashes, sorted: {target or source}")


def _checked(path: Path) -> int:
    last, count = b"", 0
    for line in _hashes(path):
        if line[:40] < last:
            raise CommandError(f"Line {count + 1} is out of order: sort it with --sort NEW_FILE.")
        last, count = line[:40], count + 1
    return count


def _sorted(source: Path, target: Path) -> int:
    """Slices in files of their own, then all of them merged: it takes the list's size on the disk once more."""
    if target.exists():
        raise CommandError(f"{target} is there already.")
    count = 0
    with ExitStack() as stack:
        slices: list[IO[bytes]] = []
        for lines in _slices(_hashes(source)):
            file = stack.enter_context(tempfile.TemporaryFile(dir=target.parent))
            file.writelines(line + b"\n" for line in sorted(lines))
            file.seek(0)
            slices.append(file)
        with open(target, "wb") as out:
            last = b""
            for line in heapq.merge(*slices):
                if line[:40] != last:
                    out.write(line)
                    last, count = line[:40], count + 1
    return count


def _slices(lines: Iterator[bytes]) -> Iterator[list[bytes]]:
    held: list[bytes] = []
    for line in lines:
        held.append(line)
        if len(held) == AT_ONCE:
            yield held
            held = []
    if held:
        yield held


def _hashes(path: Path) -> Iterator[bytes]:
    with open(path, "rb") as file:
        for number, line in enumerate(file, 1):
            found = _LINE.fullmatch(line.strip())
            if found is None:
                raise CommandError(f"Line {number} is no SHA-1 hash with or without a count.")
            yield found[1].upper() + (found[2] or b"")
