"""What may have the name of a file without being one: whoever opens it as one may wait for ever."""

from __future__ import annotations

import os
import socket
from pathlib import Path

IRREGULAR = ("pipe", "socket", "device", "folder")


def irregular(path, kind):
    """Make one; a device as a link, because only root makes others."""
    path.parent.mkdir(parents=True, exist_ok=True)
    match kind:
        case "pipe":
            os.mkfifo(path)
        case "socket":
            # The path of a socket is short.
            with socket.socket(socket.AF_UNIX) as one:
                before = Path.cwd()
                os.chdir(path.parent)
                try:
                    one.bind(path.name)
                finally:
                    os.chdir(before)
        case "device":
            path.symlink_to("/dev/zero")
        case _:
            path.mkdir()
    return path
