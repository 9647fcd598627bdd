"""Put a recording's outputs where a person asked for them, as copies of what the bucket keeps."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from shared.errors import Permanent, StoreUnavailable

if TYPE_CHECKING:
    from collections.abc import Collection

    from shared.model import Recording
    from shared.ports import Ports


def check(folder: Path) -> None:
    """Make the folder for outputs, before any work is done for it.

    Raises:
        Permanent: it cannot be made or written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise Permanent(f"Cannot write into {folder}: {error.strerror}. Choose another --out.") from error


def export(recording: Recording, folder: Path, formats: Collection[str], ports: Ports) -> list[Path]:
    """Copy the outputs of a finished recording into a folder; whole files only, older ones replaced.

    Args:
        recording: one that is DONE.
        folder: made where it is missing.
        formats: file names to copy, e.g. `transcript.srt`.
        ports: the world.

    Raises:
        Permanent: the folder cannot be written.
        StoreUnavailable: an output is missing from the bucket.
    """
    written = []
    for name in recording.outputs:
        short = name.rsplit("/", 1)[-1]
        if short not in formats:
            continue
        data = ports.store.load(ports.settings.transcripts_bucket, name)
        if data is None:
            raise StoreUnavailable(f"{name} is gone from the bucket {ports.settings.transcripts_bucket}")
        try:
            written.append(_write(folder / short, data))
        except OSError as error:
            raise Permanent(
                f"Cannot write {folder / short}: {error.strerror}. Choose another --out."
            ) from error
    return written


def _write(path: Path, data: bytes) -> Path:
    if path.is_file() and path.stat().st_size == len(data) and path.read_bytes() == data:
        return path
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(prefix=".", dir=path.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
        Path(temporary).chmod(0o644)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    return path
