"""Passwords that were in a data breach: looked up in a file of one's own, and, where an operator says so, at a service.

The file is a list of SHA-1 hashes in the format of haveibeenpwned.com, sorted: a hash a line, with or without `:count`.
It is searched where it lies, some forty reads a password, and never loaded. The service is told the first five letters
of the hash, which it shares with hundreds of others (k-anonymity), never the password.
"""

import hashlib
import os
from typing import BinaryIO

import structlog
from django.conf import settings
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from authcenter.outbox import outbound

_HEX = 40
log = structlog.get_logger("accounts.passwords")


class NotBreached:
    """A validator. It fails open: a file or service that is not there keeps nobody from choosing a password."""

    def validate(self, password: str, user: object = None) -> None:
        digest = _digest(password)
        if in_file(digest) or _at_service(digest):
            raise ValidationError(
                _("This password is in a list of stolen ones, which guessers try first. Choose another."),
                code="password_breached",
            )

    def get_help_text(self) -> str:
        return ""


def is_in_file(password: str) -> bool:
    """The quick half of it, for the meter beside the field."""
    return in_file(_digest(password))


def in_file(digest: str) -> bool:
    """Whether the file has this hash (40 hexadecimal digits, upper case)."""
    if not settings.BREACHED_PASSWORDS_FILE:
        return False
    try:
        with open(settings.BREACHED_PASSWORDS_FILE, "rb") as file:
            return _has(file, digest.encode())
    except OSError as error:
        log.error("breached_passwords_file", fault=str(error))
        return False


def _has(file: BinaryIO, wanted: bytes) -> bool:
    """Bisection by bytes: lines are of different lengths, so each look begins at the line after the middle."""
    low, high = 0, file.seek(0, os.SEEK_END)
    while low < high:
        middle = (low + high) // 2
        line = _line_from(file, middle)
        if not line or line[:_HEX].upper() >= wanted:
            high = middle
        else:
            low = middle + 1
    return _line_from(file, low)[:_HEX].upper() == wanted


def _line_from(file: BinaryIO, position: int) -> bytes:
    """The first line that begins at `position` or after it."""
    file.seek(max(0, position - 1))
    if position:
        file.readline()
    return file.readline(128)


def _at_service(digest: str) -> bool:
    url = settings.BREACHED_PASSWORDS_URL
    if not url:
        return False
    try:
        # Padding: else the length of the answer would tell which of the ranges was asked for.
        answer = outbound.ask("GET", url + digest[:5], headers={"Accept": "text/plain", "Add-Padding": "true"})
    except (outbound.Refused, outbound.Failed) as error:
        log.warning("breached_passwords_service", fault=str(error))
        return False
    if answer.status != 200:
        log.warning("breached_passwords_service", status=answer.status)
        return False
    for line in answer.body.decode("ascii", "replace").splitlines():
        rest, _colon, count = line.strip().partition(":")
        if rest.upper() == digest[5:]:
            return count != "0"  # a zero is padding
    return False


def _digest(password: str) -> str:
    return hashlib.sha1(password.encode("utf-8", "surrogatepass"), usedforsecurity=False).hexdigest().upper()
