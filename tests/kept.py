"""What one process of a run has made, all of them use."""

from __future__ import annotations

import hashlib
import os
import threading
from functools import wraps
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

folder: Path | None = None
"""Where it is kept until the run ends; None: nowhere."""

MOST = 30_000_000
"""Bytes of one file: the folder is memory."""

UNNAMED = ("<locals>", "<lambda>")
"""What is in the name of a function that another may have as well."""


def kept(make: Callable[..., bytes]) -> Callable[..., bytes]:
    """Let a function of texts, numbers and other functions make the same bytes once for all processes of a run."""

    @wraps(make)
    def made(*args, **named):
        told = " ".join(map(_told, (make, *args, *sum(sorted(named.items()), ()))))
        if folder is None or any(one in told for one in UNNAMED):
            return make(*args, **named)
        path = folder / hashlib.sha256(told.encode()).hexdigest()
        if path.exists():
            return path.read_bytes()
        data = make(*args, **named)
        if len(data) <= MOST:
            unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
            unfinished.write_bytes(data)
            unfinished.replace(path)
        return data

    return made


def _told(value: object) -> str:
    return f"{value.__module__}.{value.__qualname__}" if callable(value) else repr(value)
