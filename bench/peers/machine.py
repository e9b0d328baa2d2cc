"""The machine that figures are of, in one line."""

import os
import platform
import re
import shutil
import subprocess
import sys
from pathlib import Path

import django


def described() -> str:
    cores = len(os.sched_getaffinity(0))
    words = [f"{_processor()}, {cores} core{'s' * (cores != 1)}", f"{_gigabytes()} GB", f"Linux {platform.release()}"]
    words += [f"Python {platform.python_version()} of {sys.base_prefix}", f"Django {django.__version__}"]
    return ", ".join([*words, *filter(None, (_says("node", "--version", "Node "), _postgresql()))])


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def _gigabytes() -> int:
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)


def _says(program: str, option: str, name: str) -> str:
    if not (path := shutil.which(program)):
        return ""
    said = subprocess.run([path, option], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\d[\d.]*", said)
    return name + found[0] if found else ""


def _postgresql() -> str:
    found = sorted(int(path.name) for path in Path("/usr/lib/postgresql").glob("[0-9]*"))
    return f"PostgreSQL {found[-1]}" if found else ""
