"""The exit codes of `dropscribe`: those of Unix' `sysexits.h` where it has one, so that scripts can tell failures apart.

Functions and workers exit with 2 if a setting is wrong.
"""

from __future__ import annotations

DONE = 0
INCOMPLETE = 1
USAGE = 2
BAD_INPUT = 65
NO_INPUT = 66
UNAVAILABLE = 69
CANNOT_WRITE = 73
TRY_AGAIN = 75
CONFIGURATION = 78
STOPPED = 130

MEANINGS = {
    DONE: "all done",
    INCOMPLETE: "a recording failed, a check found something, or you answered no",
    USAGE: "the command line is wrong, or asks for an engine that is not set up",
    BAD_INPUT: "the recording cannot be transcribed",
    NO_INPUT: "a file, a recording or a key does not exist",
    UNAVAILABLE: "unavailable: no network, weights, engine or running worker, or a service did not respond",
    CANNOT_WRITE: "the output cannot be written",
    TRY_AGAIN: "not finished in time: run it again",
    CONFIGURATION: "a setting or the installation is wrong",
    STOPPED: "stopped by Ctrl-C",
}
"""What each code says; `docs/operation.md` has the same table, and a test compares them."""

EPILOG = "Exit codes: " + "; ".join(f"{code} {said}" for code, said in MEANINGS.items()) + "."
"""The table below `dropscribe --help`."""
