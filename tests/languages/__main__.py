"""`python -m tests.languages extract | missing LANGUAGE | merge LANGUAGE FILE | check`.

`missing` prints a list as JSON; with each `translation` filled in, `merge` takes it back.
"""

import json
import os
import sys
from pathlib import Path

import django

USAGE = "usage: python -m tests.languages extract | missing LANGUAGE | merge LANGUAGE FILE | check"


def main(arguments: list[str]) -> int:
    from tests.languages import catalogs

    if arguments == ["extract"]:
        catalogs.brought_in_step()
        for language in catalogs.languages():
            print(f"{catalogs.path(language).relative_to(Path.cwd())}: {len(catalogs.missing(language))} to translate")
        return 0
    if arguments == ["check"]:
        return _told([fault for language in catalogs.languages() for fault in catalogs.faults(language)])
    if arguments[:1] == ["missing"] and len(arguments) == 2 and arguments[1] in catalogs.languages():
        print(json.dumps(catalogs.missing(arguments[1]), ensure_ascii=False, indent=1))
        return 0
    if arguments[:1] == ["merge"] and len(arguments) == 3 and arguments[1] in catalogs.languages():
        return _told(catalogs.merged(arguments[1], json.loads(Path(arguments[2]).read_text())))
    print(USAGE, f"languages: {' '.join(catalogs.languages())}", sep="\n", file=sys.stderr)
    return 2


def _told(faults: list[str]) -> int:
    for fault in faults:
        print(fault)
    return 1 if faults else 0


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "authcenter.settings")
    os.environ.setdefault("DEMO", "1")
    django.setup()
    sys.exit(main(sys.argv[1:]))
