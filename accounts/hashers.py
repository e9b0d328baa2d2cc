"""Passwords: Argon2id at about 20 ms (OWASP's 19 MiB, two passes), the same cost for everybody from the first day."""

from django.contrib.auth.hashers import Argon2PasswordHasher


class Argon2(Argon2PasswordHasher):
    time_cost = 2
    memory_cost = 19_456  # KiB
    parallelism = 1
