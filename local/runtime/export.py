"""Copy a recording's outputs from the bucket to where a person asked for them."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from local.backend.copies import claim, claim_folder_of, folder_of, path_key
from local.backend.files.atomic_write import replace
from local.backend.files.beneath import LinkError, folder_below, open_below
from local.backend.files.disk_errors import unwritable
from shared.errors import CannotWrite
from shared.flow.reading import output_files as reading
from shared.machine.regular_files import open_regular
from shared.state import documents
from shared.telemetry import log

if TYPE_CHECKING:
    from collections.abc import Collection

    from local.backend.embedded_ports import LocalPorts
    from local.backend.files.store import Permissions
    from shared.messages import TranscriptReady
    from shared.model import Recording, StoredObject
    from shared.outputs import Shape
    from shared.ports import Ports

HEAD = 16 * 1024
"""Bytes at the beginning of a transcript.json that hold its source, however long the name of that is."""
_SOURCE = re.compile(
    rb'"source":\s*\{\s*"bucket":\s*"([^"]*)",\s*"name":\s*"(?:[^"\\]|\\.)*",\s*"generation":\s*"(\d+)"'
)


def check(folder: Path) -> None:
    """Create the folder for outputs before any work is done.

    Raises:
        CannotWrite: it cannot be created or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise CannotWrite(f"Cannot write into {folder}: {error.strerror}. Choose another --out.") from error


def short(path: Path) -> Path:
    """A path for a person: relative to the current folder if it is below it."""
    here = os.path.relpath(path)
    return path if here.startswith("..") else Path(here)


def choose_folder(out: Path, output: Path, source: StoredObject, ports: Ports) -> Path:
    """The folder for the outputs of a source: the same in every run, and different for every source.

    `x/talk.mp3` and `y/talk.mp3`, transcribed one after the other into the same place, would both be
    `talk.mp3`: the second one is prefixed with as much of its path as it takes to differ. Where a file has that
    name, it is `talk.mp3.transcript`.
    """
    wanted = PurePosixPath(source.name)
    if (out / output).is_file():
        # The recording itself, where OUT is the folder that holds it.
        output = output.with_name(f"{output.name}.transcript")
    while True:
        folder = out / output
        if claim(folder, source, ports.records):
            return folder
        longer = Path(*wanted.parts[-len(output.parts) - 1 :])
        if longer == output:
            return out / f"{output}-{path_key(folder)[:8]}"
        output = longer


def export(
    recording: Recording,
    folder: Path,
    files: Collection[str],
    ports: LocalPorts,
    *,
    out: Path | None = None,
    durable: bool = True,
    shape: Shape | None = None,
) -> list[Path]:
    """Copy the outputs of a finished recording into a folder, each file completely; older ones are replaced.

    Group and others may do with the copies at most what they may do with the recording.

    Args:
        recording: one that is DONE.
        folder: created if it does not exist.
        files: names of those to copy, e.g. `transcript.srt`. What the recording does not have is written from its words.
        ports: the adapters to use.
        out: the folder that a person named; links below it are not followed. None: the one above `folder`.
        durable: False if the copies will be compared with the bucket after a power loss: it may leave empty ones.
        shape: of captions; None: as the recording asked for.

    Raises:
        CannotWrite: the folder can never be written, e.g. because a file or a link is in the way.
        Transient: it cannot be written now, e.g. because the disk is full; or an output is missing.
    """
    out = folder.parent if out is None else out
    like = ports.store.permissions(recording.source)
    written = []
    for short, data in reading.files(recording, files, ports, shape=shape):
        try:
            with folder_below(out, folder.relative_to(out), make=like.folder_mode) as handle:
                write(handle, short, data, like, durable=durable)
        except LinkError as error:
            raise CannotWrite(
                f"{error.filename} is a link, and transcripts are not written through links. Remove it and transcribe "
                "again (with `up`: `dropscribe dead-letters replay --all --from exporter`), or choose another --out."
            ) from error
        except OSError as error:
            raise unwritable(folder / short, error) from error
        written.append(folder / short)
    return written


def deliver(ready: TranscriptReady, ports: LocalPorts) -> None:
    """Copy all outputs of a finished recording of the inbox, and say where those of any are; nothing for an answer.

    Every recording that ends is announced. An answer comes in the same moment: two copies would be in each other's way.

    The transcripts bucket keeps every version apart, by generation and key. A person who drops `talk.mp3` looks
    for `OUT/talk.mp3/transcript.srt`; that is a copy of the version in the inbox, made when it is done, or when that version is put back.

    Raises:
        Permanent: the folder can never be written.
    """
    recording = documents.get_recording(ports.records, ready.recording)
    if recording is None or ready.request_id is not None or recording.state != "DONE":
        return
    name, words = documents.called(recording.source, ports.settings), recording.words or 0
    if recording.source.bucket != ports.settings.audio_bucket:
        stored = ports.store.path_of(ports.settings.transcripts_bucket, recording.outputs[0]).parent
        log.info("done %s: %d words, in %s", name, words, stored)
        return
    live = ports.store.stat(recording.source.bucket, recording.source.name)
    if live is not None and not live.is_version(recording.source):
        return  # a newer version is on its way, and would be overwritten by this one
    folder = claim_folder_of(recording.source, ports)
    export(recording, folder, [reading.short(one) for one in recording.outputs], ports, out=ports.out)
    log.info("done %s: %d words, in %s", name, words, folder)


def shows_another(recording: Recording, ports: LocalPorts) -> bool:
    """Whether the copy in the folder for transcripts is that of another version of the recording's file."""
    copy = folder_of(recording.source, ports) / "transcript.json"
    try:
        with os.fdopen(open_below(ports.out, copy.relative_to(ports.out)), "rb") as file:
            shown = _SOURCE.search(file.read(HEAD))
    except OSError:
        return False  # a person may have taken it away
    # Other folders' recordings may have copies in there, too.
    return (
        shown is not None
        and shown[1].decode() == recording.source.bucket
        and int(shown[2]) != recording.source.generation
    )


def write(folder: int, name: str, data: bytes, like: Permissions, *, durable: bool = True) -> None:
    """Write a file of an open folder, unless it is there with this content.

    Args:
        folder: descriptor.
        name: a single component; a link of this name is replaced, not followed.
        data: the content.
        like: what group and others may do at most.
        durable: see `export`.

    Raises:
        OSError: what the system says.
    """
    mode = like.file_mode(os.fstat(folder))
    try:
        handle = open_regular(name, links=False, folder=folder)
    except OSError:
        same = False  # there is none, or it is something else
    else:
        with os.fdopen(handle, "rb") as file:
            found = os.fstat(file.fileno())
            same = found.st_size == len(data) and file.read() == data
            same = same and not found.st_mode & 0o077 & ~mode
    if not same:
        replace(folder, name, data, mode, durable=durable)
