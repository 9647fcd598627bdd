"""Start a command that ends when its parent does, even where the parent is killed with -9.

`python -m local.runtime.exit_with_parent PARENT_PID COMMAND …`: asks the kernel for a signal when the parent dies
(Linux; elsewhere the command simply starts), checks that the parent is still running, and becomes the command.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1
"""From linux/prctl.h. The setting survives exec."""


def main() -> None:
    """Become the command."""
    parent, command = int(sys.argv[1]), sys.argv[2:]
    end_with(parent)
    os.execvp(command[0], command)  # noqa: S606 - our own command, no shell wanted


def end_with(parent: int) -> None:
    """Let SIGTERM reach this process when its parent dies (Linux).

    Raises:
        SystemExit: the parent is dead already.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
        if os.getppid() != parent:
            sys.exit("the parent ended before its child started")


if __name__ == "__main__":
    main()
