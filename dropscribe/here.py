"""Transcribe files on this machine, in this process: what `dropscribe transcribe` does, for programs.

The same state folder, queue and steps as the command: what an earlier call or command has finished is not done again,
and what a crash interrupted goes on. The weights stay loaded for the next call; one call works at a time.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from dropscribe.errors import BadRequest
from dropscribe.options import Options, options_of
from dropscribe.run import Ended, each, only
from shared.formats import file_names

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from dropscribe.progress import Progress
    from dropscribe.results import Transcript


def transcribe(
    path: str | os.PathLike[str],
    *,
    out: str | os.PathLike[str] | None = None,
    formats: Sequence[str] | str | None = None,
    state_dir: str | os.PathLike[str] | None = None,
    state_copy: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[Options],
) -> Transcript:
    """Transcribe one file and wait for it. A file that was transcribed before is not transcribed again.

    Args:
        path: audio, or a video with sound, in any format that FFmpeg decodes; or its `https://` address, from which it is
            fetched.
        out: folder for the output files, which go into a folder of the file's name; None: they stay in the state folder.
        formats: names of the output formats to write into `out` (docs/outputs.md), as a list or separated by commas;
            None: those that the deployment has.
        state_dir: folder of queue, records and results, on a local disk; None: as set, by default that of the command line.
        state_copy: folder that gets a copy of the state every minute and at the end, for a machine that may vanish with its
            disk; on the next one, where `state_dir` is empty, the work goes on from there. A network drive will do.
        on_progress: called with how far it is, from several threads; what it raises is logged.
        options: see `Options`.

    Raises:
        NotFound: there is nothing of that name.
        BadRequest: an option is wrong.
        TranscriptionFailed: the file cannot be transcribed, with the reason.
        ModelUnavailable: the weights are not on disk and cannot be downloaded.
        ConfigurationError: a setting is wrong.
        Transient: it may succeed the next time; finished parts are kept.
    """
    if os.path.isdir(path):  # noqa: PTH112 - an address is no path
        raise BadRequest(f"{os.fspath(path)!r} is a folder: name a file, or give it to `transcribe_all`.")
    every = transcribe_all(
        [path],
        out=out,
        formats=formats,
        state_dir=state_dir,
        state_copy=state_copy,
        on_progress=on_progress,
        **options,
    )
    return only(every)


def transcribe_all(
    paths: Iterable[str | os.PathLike[str]],
    *,
    out: str | os.PathLike[str] | None = None,
    formats: Sequence[str] | str | None = None,
    state_dir: str | os.PathLike[str] | None = None,
    state_copy: str | os.PathLike[str] | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    **options: Unpack[Options],
) -> Iterator[Ended]:
    """Transcribe files and folders, giving each file as it ends: windows of all of them share batches.

    One that does not exist or cannot be transcribed ends with an error and stops no other. A caller that stops iterating stops
    the work; the next call goes on with it.

    Args:
        paths: files, folders whose audio and video files are meant, to any depth, and `https://` addresses.
        out: as in `transcribe`.
        formats: as in `transcribe`.
        state_dir: as in `transcribe`.
        state_copy: as in `transcribe`.
        on_progress: as in `transcribe`.
        options: the same for all of them.

    Raises:
        BadRequest: an option is wrong, or there is nothing to transcribe.
        ModelUnavailable: the weights are not on disk and cannot be downloaded.
        ConfigurationError: a setting is wrong.
        Transient: it may succeed the next time; finished parts are kept.
    """
    folder = None if out is None else Path(out).absolute()
    names = _file_names(formats, folder)
    wanted = options_of(options)
    return each(
        [os.fspath(one) for one in paths],
        wanted,
        out=folder,
        names=names,
        state_dir=None if state_dir is None else Path(state_dir),
        state_copy=None if state_copy is None else Path(state_copy),
        on_progress=on_progress,
    )


def _file_names(formats: Sequence[str] | str | None, out: Path | None) -> list[str] | None:
    """The files to write; None: as the deployment has them."""
    if formats is None:
        return None
    if out is None:
        raise BadRequest("`formats` says which files to write: name the folder for them with `out`.")
    every = formats.split(",") if isinstance(formats, str) else formats
    return file_names([one.strip() for one in every])
