"""Output files next to their recording: `talk.srt` beside `talk.mp4`, where players look for captions.

A file that is there already is replaced only if it was written here and is as it was written: captions that a person
made, or corrected, are not lost.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from local.backend.copies import BESIDE, MOST_BESIDE, as_text, path_key
from local.backend.files.beneath import folder_below
from local.backend.files.disk_errors import unwritable
from local.runtime import export
from shared.errors import CannotWrite
from shared.flow.reading import output_files as reading
from shared.machine.regular_files import NotAFileError, read_regular
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Collection

    from local.backend.embedded_ports import LocalPorts
    from shared.messages import TranscriptReady
    from shared.model import Recording
    from shared.outputs import Shape


@dataclass(frozen=True, kw_only=True, slots=True)
class Written:
    """The document of a file that was written beside a recording."""

    bucket: str
    """Bucket of the recording."""
    name: str
    """Name of the recording."""
    sha256: str
    """SHA-256 of the content."""
    recording: str = ""
    """Key of the recording; empty in documents from before this field."""
    path: str = ""
    """Where it is, see `copies.as_text`; empty in documents from before this field."""


def name_beside(source: str, file: str, *, whole: bool = False) -> str:
    """The name of an output file beside its recording.

    Args:
        source: name of the recording's file, `talk.mp4`.
        file: name of the output, `transcript.srt`.
        whole: keep the ending of the recording: `talk.mp4.srt`.
    """
    stem = source if whole else Path(source).stem
    output = Path(file)
    return f"{stem}{output.suffix}" if output.stem == "transcript" else f"{stem}.{file}"


def put(
    recording: Recording,
    path: Path,
    files: Collection[str],
    ports: LocalPorts,
    *,
    whole: bool = False,
    shape: Shape | None = None,
    below: Path | None = None,
) -> list[Path]:
    """Write outputs of a finished recording beside its file, each completely.

    Args:
        recording: one that is DONE.
        path: its file, as a person named it.
        files: names of the outputs, e.g. `transcript.srt`.
        ports: the adapters to use.
        whole: as in `name_beside`; another recording's file of the same name has this effect, too.
        shape: of captions; None: as the recording asked for.
        below: a folder below which links are not followed; None: all are, because a person named the path.

    Raises:
        CannotWrite: a file that was not written here has the name.
        Permanent: the folder can never be written.
        Transient: it cannot be written now, or an output is missing.
    """
    like = ports.store.permissions(recording.source)
    written = []
    for file, data in reading.files(recording, files, ports, shape=shape):
        target = path.with_name(name_beside(path.name, file, whole=whole))
        known = _known(target, ports)
        if not _is_free(known, recording):
            target = path.with_name(name_beside(path.name, file, whole=True))
            known = _known(target, ports)
        _check(target, data, known, recording)
        root = path.parent if below is None else below
        try:
            with folder_below(root, path.parent.relative_to(root)) as handle:
                export.write(handle, target.name, data, like)
        except OSError as error:
            raise unwritable(target, error) from error
        # Afterwards: if the process is killed in between, the next run finds the content that it would write.
        _note(target, data, recording, ports)
        written.append(target)
    return written


def put_in_inbox(ready: TranscriptReady, files: Collection[str], ports: LocalPorts) -> None:
    """Write outputs of a finished recording of the inbox beside its file, unless that is gone or was replaced.

    Raises: as `put`.
    """
    recording = documents.get_recording(ports.records, ready.recording)
    if recording is None or ready.request_id is not None or recording.state != "DONE":
        return
    source = recording.source
    if source.bucket != ports.settings.audio_bucket:
        return
    live = ports.store.stat(source.bucket, source.name)
    if live is not None and live.is_version(source):
        path = ports.store.path_of(source.bucket, source.name)
        put(recording, path, files, ports, below=ports.store.folder_of(source.bucket))


def _known(target: Path, ports: LocalPorts) -> Written | None:
    return documents.mark(BESIDE, path_key(target), Written, ports.records)


def _is_free(known: Written | None, recording: Recording) -> bool:
    """Whether no other recording has a file of that name."""
    source = recording.source
    return known is None or (known.bucket, known.name) == (source.bucket, source.name)


def _check(target: Path, data: bytes, known: Written | None, recording: Recording) -> None:
    """Check that nothing is lost by writing.

    Raises:
        CannotWrite: a file that was not written here has the name, or that is too long.
    """
    try:
        there = read_regular(target, links=False, most=MOST_BESIDE)
    except NotAFileError:
        there = None
    except FileNotFoundError:
        return
    except OSError as error:
        if not os.path.lexists(target):  # nothing can have such a name there
            raise unwritable(target, error) from error
        there = None
    if there in (b"", data):
        return
    ours = known is not None and there is not None and known.sha256 == hashlib.sha256(there).hexdigest()
    if not ours or not _is_free(known, recording):
        raise CannotWrite(
            f"{target} is there already, and Dropscribe did not write it, or it was changed since. Move it away, and "
            "run the same command again (with `up`: `dropscribe dead-letters replay --all --from exporter`)."
        )


def _note(target: Path, data: bytes, recording: Recording, ports: LocalPorts) -> None:
    source = recording.source
    note = Written(
        bucket=source.bucket,
        name=source.name,
        sha256=hashlib.sha256(data).hexdigest(),
        recording=recording.id,
        path=as_text(target.absolute()),
    )
    documents.put(BESIDE, path_key(target), note, ports)
