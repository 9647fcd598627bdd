"""Recordings that a command line names and that are no files here: standard input (`-`) and web addresses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, BinaryIO

from shared.adapters.web.download import Download, name_of
from shared.errors import BadRequest, OverLimit
from shared.in_words import human_size
from shared.settings import Settings, variable

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from local.backend.incoming import Incoming

    Progress = Callable[[str, int, int | None], None]
    """Is told a name, how many bytes have come, and how many there are; None: unknown."""

STDIN = "-"
"""On a command line: standard input."""
MOST_GB = 10.0
"""Largest recording that is taken if no setting says, 10⁹ bytes."""
PIECE = 1 << 20
"""Bytes that are read from standard input at a time."""


def comes_from_elsewhere(argument: str) -> bool:
    """Whether an argument names no file of this machine."""
    return argument == STDIN or ("://" in argument and not argument.startswith("file:///"))


class Sources:
    """Brings recordings to this machine.

    `name` is what to call a recording; empty: `stdin`, or the last part of its address.
    """

    def __init__(
        self,
        incoming: Incoming,
        settings: Settings,
        progress: Progress,
        *,
        name: str = "",
        fetch: Download | None = None,
    ) -> None:
        self._incoming = incoming
        self._most = round((settings.max_file_gb or MOST_GB) * 1e9)
        self._progress = progress
        self._name = name
        self._fetch = fetch or Download(most_bytes=self._most)

    def __call__(self, argument: str) -> Path:
        """The file of a recording from elsewhere.

        Raises:
            BadRequest: it cannot be brought here; the message says what to do.
            NotFound: there is nothing.
            OverLimit: it is too large.
            Transient: it did not come; it may do so later.
        """
        if argument == STDIN:
            return self._incoming.take(self._name or "stdin", self._read)
        scheme = argument.partition("://")[0].lower()
        if scheme == "gs":
            raise BadRequest(
                f"{argument} is in a bucket. Ask the deployment that can read it, with DROPSCRIBE_PLATFORM=google: "
                f"`dropscribe submit {argument}`; or copy it with `gcloud storage cp` and name the file."
            )
        if scheme not in {"http", "https"}:
            raise BadRequest(
                f"{scheme}:// is not supported. Give an https:// address, or download it yourself."
            )
        name = name_of(argument)

        def fill(file: BinaryIO) -> None:
            self._fetch(argument, file, lambda done, total: self._progress(name, done, total))

        return self._incoming.take(self._name or name, fill)

    def _read(self, file: BinaryIO) -> None:
        if sys.stdin.isatty():
            raise BadRequest(
                "Standard input is a terminal. Pipe a recording into it: `ffmpeg … | dropscribe transcribe -`."
            )
        came = 0
        while piece := sys.stdin.buffer.read(PIECE):
            came += len(piece)
            if came > self._most:
                raise OverLimit(
                    "too-large",
                    f"Standard input is larger than {human_size(self._most)} ({variable('max_file_gb')}). Write it to "
                    "a file, and name the file.",
                )
            file.write(piece)
            self._progress("stdin", came, None)


def check_name(name: str, arguments: list[str]) -> None:
    """Check that `--name` names one recording from elsewhere.

    Raises:
        BadRequest: it does not.
    """
    if name and (len(arguments) != 1 or not comes_from_elsewhere(arguments[0])):
        raise BadRequest(
            "--name names what comes from standard input (-) or from one https:// address: give that alone, or leave "
            "--name out. Files keep their names."
        )
