"""Where `dropscribe transcribe` puts the outputs of each recording: a folder, beside its file, or standard output."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from local.runtime import beside, export
from local.runtime.beside import name_beside
from shared import formats
from shared.errors import BadRequest
from shared.flow.reading import output_files as reading

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from local.backend.embedded_ports import LocalPorts
    from local.runtime.submission import InputFile, Submitted
    from shared.model import Recording
    from shared.outputs import Shape

STDOUT = "-"
"""On a command line: standard output."""
ONE_AFTER_ANOTHER = frozenset({"txt", "md", "json"})
"""Formats whose files may follow one another."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Placed:
    """What was written of a recording."""

    folder: Path | None = None
    """Where it is; None: on standard output."""
    files: tuple[Path, ...] = ()


class Destination(Protocol):
    """Takes the outputs of recordings."""

    def check(self, found: Sequence[InputFile]) -> None:
        """Check that these recordings can be put here, before any work is done.

        Raises:
            BadRequest: they cannot.
            CannotWrite: a folder cannot be written.
        """

    def put(self, one: Submitted, recording: Recording) -> Placed | None:
        """Take a recording that has ended; None if there is nothing to write.

        Raises:
            Permanent: its outputs can never be written.
            Transient: they cannot be written now.
        """

    def where(self, folders: Sequence[Path]) -> str:
        """For a person: where the outputs are."""


class InFolders:
    """A folder for each recording, below one that a person named."""

    def __init__(
        self, out: Path, files: Collection[str], ports: LocalPorts, shape: Shape | None = None
    ) -> None:
        self._shape = shape
        self._out = out
        self._files = files
        self._ports = ports

    def check(self, found: Sequence[InputFile]) -> None:
        """Make the folder."""
        del found
        export.check(self._out)

    def put(self, one: Submitted, recording: Recording) -> Placed | None:
        """Copy the outputs of a recording that is DONE."""
        if recording.state != "DONE":
            return None
        with self._ports.together():
            folder = export.choose_folder(self._out, one.file.output, one.source, self._ports)
        # The next run of the same command compares them: it has what a power loss takes.
        files = export.export(
            recording, folder, self._files, self._ports, out=self._out, durable=False, shape=self._shape
        )
        return Placed(folder=folder, files=tuple(files))

    def where(self, folders: Sequence[Path]) -> str:
        """The one folder, or the one above all."""
        shown = export.short(folders[0] if len(folders) == 1 else self._out / "FILE")
        return f"Transcripts: {shown}/ ({', '.join(self._files)})"


class Beside:
    """The folder of each recording."""

    def __init__(self, files: Collection[str], ports: LocalPorts, shape: Shape | None = None) -> None:
        self._shape = shape
        self._files = files
        self._ports = ports
        self._stems: Counter[Path] = Counter()

    def check(self, found: Sequence[InputFile]) -> None:
        """Look whether the folders can be written."""
        for one in found:
            if not one.is_here:
                raise BadRequest(
                    f"{one.output} is not a file here, so nothing can be put beside it. Use --out."
                )
        self._stems.update(one.path.with_suffix("") for one in found)
        for folder in sorted({one.path.parent for one in found}):
            export.check(folder)

    def put(self, one: Submitted, recording: Recording) -> Placed | None:
        """Write the outputs of a recording that is DONE."""
        if recording.state != "DONE":
            return None
        path = one.file.path
        whole = self._stems[path.with_suffix("")] > 1
        files = beside.put(recording, path, self._files, self._ports, whole=whole, shape=self._shape)
        return Placed(folder=path.parent, files=tuple(files))

    def where(self, folders: Sequence[Path]) -> str:
        """The names."""
        del folders
        return f"Transcripts: beside each file ({', '.join(name_beside('FILE', one) for one in self._files)})"


class ToStdout:
    """Standard output, in the order of the recordings.

    Raises:
        BadRequest: they are not one format, or one that has several files.
    """

    def __init__(self, wanted: Sequence[str], ports: LocalPorts, shape: Shape | None = None) -> None:
        self._shape = shape
        self._files = formats.file_names(wanted)
        if len(self._files) != 1:
            raise BadRequest(
                f"Standard output takes one file, not {len(self._files)} ({', '.join(self._files)}). Choose one format "
                "that is one file, for example --format srt."
            )
        self._format = wanted[0]
        self._ports = ports
        self._order: list[InputFile] = []
        self._ended: dict[InputFile, Recording] = {}

    def check(self, found: Sequence[InputFile]) -> None:
        """Look whether the outputs may follow one another."""
        if self._format == "docx" and sys.stdout.isatty():
            raise BadRequest(
                "docx is binary and cannot be shown in a terminal. Redirect it: `--out - > talk.docx`."
            )
        if len(found) > 1 and self._format not in ONE_AFTER_ANOTHER:
            allowed = ", ".join(one for one in formats.FORMATS if one in ONE_AFTER_ANOTHER)
            raise BadRequest(
                f"Standard output takes one recording as {self._format}, not {len(found)}: several of these in a row "
                f"are not a valid file. Use --out FOLDER, or one of {allowed}."
            )
        self._order = list(found)

    def put(self, one: Submitted, recording: Recording) -> Placed | None:
        """Write what is complete from the beginning on."""
        self._ended[one.file] = recording
        while self._order and self._order[0] in self._ended:
            ended = self._ended.pop(self._order.pop(0))
            if ended.state == "DONE":
                for _, data in reading.files(ended, self._files, self._ports, shape=self._shape):
                    sys.stdout.buffer.write(data)
                sys.stdout.buffer.flush()
        return Placed() if recording.state == "DONE" else None

    def where(self, folders: Sequence[Path]) -> str:
        """They were printed."""
        del folders
        return ""
