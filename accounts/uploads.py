"""Files in forms: never more in memory than a picture may have, nothing on disk. Django bounds everything but files."""

from io import BytesIO
from typing import Any

from django.core.exceptions import RequestDataTooBig
from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler

MOST_BYTES = 5 * 1024 * 1024
"""Of one file: a photograph as a telephone makes it."""

_HOPELESS = 4 * MOST_BYTES
"""A request of this length is not read at all; what is between is read, and what is too much is dropped."""


class BoundedUpload(FileUploadHandler):
    """Keeps the first `MOST_BYTES` and one more, by which a form sees that there were too many."""

    def handle_raw_input(self, input_data: Any, META: Any, content_length: int, *args: Any, **options: Any) -> None:
        if content_length > _HOPELESS:
            raise RequestDataTooBig("This file is too large.")

    def new_file(self, *args: Any, **options: Any) -> None:
        super().new_file(*args, **options)
        self._kept = BytesIO()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        room = MOST_BYTES + 1 - self._kept.tell()
        if room > 0:
            self._kept.write(raw_data[:room])

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        size = self._kept.tell()
        self._kept.seek(0)
        return InMemoryUploadedFile(
            file=self._kept,
            field_name=self.field_name,
            name=self.file_name,
            content_type=self.content_type,
            size=size,
            charset=self.charset,
            content_type_extra=self.content_type_extra,
        )
