"""End a process in which Python no longer runs.

A call that hangs and holds the interpreter's lock stops every thread, also the one that watches for such calls
(`shared/machine/watchdog.py`). A thread of `faulthandler` is not Python's: it prints where every thread is, and ends the
process with 1.
"""

from __future__ import annotations

import faulthandler
import threading

DEAF = 900.0
"""Seconds after which a process that could not even run one line of Python is ended."""

SOON = 5.0
"""Seconds to say why a process ends, where a thread that never returns keeps it from ending."""

EVERY = 60.0
"""Seconds between two signs of life."""

_lock = threading.Lock()
_ending = threading.Event()


def watch() -> None:
    """End this process once it has been deaf for `DEAF` seconds."""
    threading.Thread(target=_show_signs_of_life, name="last-resort", daemon=True).start()


def end_within(seconds: float) -> None:
    """End this process after `seconds`, if it has not ended by then, whatever else it waits for."""
    with _lock:
        _ending.set()
        faulthandler.dump_traceback_later(seconds, exit=True)


def _show_signs_of_life() -> None:
    while not _ending.is_set():
        with _lock:
            if not _ending.is_set():
                faulthandler.dump_traceback_later(DEAF, exit=True)
        _ending.wait(EVERY)
