"""Logos that operators upload, drawn anew: only pixels of what was sent are kept, and nothing in them runs."""

import hashlib
import io
from typing import IO

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from PIL import Image, UnidentifiedImageError

LONGEST_BYTES = 1024 * 1024
BOX = (512, 192)
"""Pixels: a logo is made smaller to fit, never larger."""

_MOST_PIXELS = 25_000_000
_FORMATS = ("PNG", "JPEG", "WEBP", "GIF")


def redrawn(file: IO[bytes]) -> bytes:
    """The picture as PNG. Raises `ValidationError` where it is none, or too large."""
    sent = file.read(LONGEST_BYTES + 1)
    if len(sent) > LONGEST_BYTES:
        raise ValidationError(_("The picture is larger than one megabyte."))
    try:
        with Image.open(io.BytesIO(sent), formats=_FORMATS) as picture:
            if picture.width * picture.height > _MOST_PIXELS:
                raise ValidationError(_("The picture has too many pixels."))
            drawn = picture.convert("RGBA")
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        raise ValidationError(_("That is no picture in PNG, JPEG, WebP or GIF.")) from None
    drawn.thumbnail(BOX)
    written = io.BytesIO()
    drawn.save(written, "PNG", optimize=True)
    return written.getvalue()


def key_of(picture: bytes) -> str:
    """Part of its address: another picture has another, so that browsers may keep each."""
    return hashlib.sha256(picture).hexdigest()[:12]
