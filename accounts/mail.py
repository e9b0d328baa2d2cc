"""Outgoing mail in development: a file for each message under DATA_DIR/mail, and the text in the log."""

from collections.abc import Sequence
from typing import Any

import structlog
from django.core.mail import EmailMessage
from django.core.mail.backends.filebased import EmailBackend

log = structlog.get_logger("accounts.mail")


class FileAndLogBackend(EmailBackend):
    """Never for production: the log then holds codes. `EMAIL_URL` chooses another."""

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        for message in email_messages:
            log.info("mail", to=message.to, subject=message.subject, text=str(message.body))
        return super().send_messages(email_messages) or 0

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
