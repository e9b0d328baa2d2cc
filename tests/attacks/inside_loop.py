"""The other end of `Inside`: calls what each line names and answers with a line. Logs go to the error stream."""

import json
import os
import sys
import traceback

from django.db import close_old_connections

from tests.attacks import inside_acts

_answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)

for _line in sys.stdin:
    close_old_connections()
    _act, _arguments, _named = json.loads(_line)
    try:
        _answer = {"told": getattr(inside_acts, _act)(*_arguments, **_named)}
    except Exception:
        _answer = {"fault": traceback.format_exc()}
    _answers.write(json.dumps(_answer, default=str) + "\n")
    _answers.flush()
