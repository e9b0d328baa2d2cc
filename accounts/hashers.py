"""Passwords: Argon2id at about 20 ms (OWASP's 19 MiB, two passes), the same cost for everybody from the first day."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from django.contrib.auth.hashers import Argon2PasswordHasher

_one_at_a_time = ThreadPoolExecutor(1, thread_name_prefix="argon2")
"""All hashing of a worker. The C library keeps the 19 MiB of a hash for the next one, apart for each thread: four
threads would keep four times as much, and to give them back each time costs half a hash in page faults. A worker has
one core, so no hash is done later for waiting for another."""


class Argon2(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1

    def encode(self, password: str, salt: str) -> str:
        return str(_one_at_a_time.submit(super().encode, password, salt).result())

    def verify(self, password: str, encoded: str) -> Any:
        return _one_at_a_time.submit(super().verify, password, encoded).result()
