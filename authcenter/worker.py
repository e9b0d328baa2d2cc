"""What each of granian's workers loads: the application, in a process group of its own.

Ctrl-C, and a supervisor that signals a whole group, would reach the workers too: they would end by themselves, and
granian would replace them while it is told to stop. Until the application is loaded a signal ends a worker at once;
the handlers that it inherits by fork are granian's own and would swallow it.
"""

import os
import signal

os.setpgrp()
for _signal in (signal.SIGINT, signal.SIGTERM):
    signal.signal(_signal, signal.SIG_DFL)

from authcenter.wsgi import application  # noqa: E402, I001 - after the lines above, which it is here for
from authcenter.server import background  # noqa: E402 - after the models, which the line above loads

background.start()

__all__ = ["application"]
