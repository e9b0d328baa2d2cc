"""Style sheets, scripts and pictures, collected under hashed names and compressed, which whitenoise then serves."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.storage import CompressedManifestStaticFilesStorage

LEFT_OUT = ["redoc", "rest_framework"]
"""Two thirds of the bytes, for a viewer and browsable pages that are not routed here."""


class Storage(CompressedManifestStaticFilesStorage):
    """Compresses what pages name (the hashed copies), and only once: another content has another name."""

    def compress_files(self, paths: Iterable[str]) -> Iterator[tuple[str, str]]:
        hashed = set(self.hashed_files.values())
        yield from super().compress_files(
            path for path in paths if path in hashed and not Path(self.path(f"{path}.br")).exists()
        )


def are_stale() -> bool:
    """Whether they were never collected, or have changed since: a package was upgraded, or a file was edited."""
    root, stamp = _root_and_stamp()
    try:
        return not (root / "staticfiles.json").exists() or stamp.read_text() != _fingerprint()
    except FileNotFoundError:
        return True


def collect() -> None:
    """Older files stay, for pages that other workers or browsers still hold name them."""
    fingerprint = _fingerprint()
    call_command("collectstatic", verbosity=0, interactive=False, ignore_patterns=LEFT_OUT)
    _root_and_stamp()[1].write_text(fingerprint)


def _root_and_stamp() -> tuple[Path, Path]:
    root = Path(settings.STATIC_ROOT).resolve()
    return root, root.with_name(f"{root.name}.stamp")


def _fingerprint() -> str:
    return hashlib.sha256("\n".join(_sources()).encode()).hexdigest()


def _sources() -> Iterator[str]:
    yield settings.VERSION
    for finder in get_finders():
        for name, storage in finder.list(LEFT_OUT):
            about = Path(storage.path(name)).stat()
            yield f"{name} {about.st_size} {about.st_mtime_ns}"
