"""Outgoing mail in development: a file for each message under DATA_DIR/mail, and the text in the log."""

import secrets
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import structlog
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend

log = structlog.get_logger("accounts.mail")


class FileAndLogBackend(EmailBackend):
    """Never for production: the log then holds codes. `EMAIL_URL` chooses another."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        # Django's own names are of a second and of a place in memory, which come again: two mails in one file.
        self._fname = str(Path(self.file_path) / f"{time.time_ns()}-{secrets.token_hex(4)}.log")

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            log.info("mail", to=message.to, subject=message.subject, text=str(message.body))
        return super().send_messages(email_messages) or 0
