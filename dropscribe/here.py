"""Transcribe files on this machine, in this process: what `dropscribe transcribe` does, for programs.

The same state folder, queue and steps as the command: what an earlier call or command has finished is not done again,
and what a crash interrupted goes on. The weights stay loaded for the next call; one call works at a time.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from dropscribe.errors import (
    BadRequest,
    ConfigurationError,
    DropscribeError,
    ModelUnavailable,
    NotFound,
    TranscriptionFailed,
)
from dropscribe.options import Options, options_of
from dropscribe.results import DOCUMENT, Transcript, transcript_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from gpu_job.pipeline.loaded_engines import LoadedEngines
    from local.backend.embedded_ports import LocalPorts
    from local.commands.audio.inputs import InputFile
    from local.runtime.one_shot import Submitted
    from shared import model
    from shared.model import Recording
    from shared.settings import Settings

log = logging.getLogger("dropscribe")
log.addHandler(logging.NullHandler())  # a program decides for itself what it shows


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """How far something is."""

    stage: Literal["download", "transcribe"]
    """Weights are downloaded, or a recording is transcribed."""
    file: str
    """Name of the file that is downloaded, or path of the recording."""
    done: float
    """Bytes of it, or seconds of audio that this call has recognised; at its end, all of them."""
    total: float | None
    """The same of all of it; None while nobody knows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How one of several files ended."""

    path: Path
    """The file, absolute."""
    transcript: Transcript | None
    """Its transcript; None if there is none."""
    error: DropscribeError | None
    """Why there is none; None if there is one."""


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
        path: audio, or a video with sound, in any format that FFmpeg decodes.
        out: folder for the output files, which go into a folder of the file's name; None: they stay in the state folder.
        formats: names of the output formats to write into `out` (docs/outputs.md), as a list or separated by commas;
            None: those that the deployment has.
        state_dir: folder of queue, records and results, on a local disk; None: as set, by default that of the command line.
        state_copy: folder that gets a copy of the state every minute and at the end, for a machine that may vanish with its
            disk; on the next one, where `state_dir` is empty, the work goes on from there. A network drive will do.
        on_progress: called with how far it is, from several threads; what it raises is logged.
        options: see `Options`.

    Raises:
        NotFound: there is no such file.
        BadRequest: an option is wrong.
        TranscriptionFailed: the file cannot be transcribed, with the reason.
        ModelUnavailable: the weights are not on disk and cannot be downloaded.
        ConfigurationError: a setting is wrong.
        Transient: it may succeed the next time; finished parts are kept.
    """
    every = transcribe_all(
        [path],
        out=out,
        formats=formats,
        state_dir=state_dir,
        state_copy=state_copy,
        on_progress=on_progress,
        **options,
    )
    (ended,) = every
    if ended.transcript is None:
        assert ended.error is not None, "one of the two is there"
        raise ended.error
    return ended.transcript


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

    One that cannot be transcribed ends with an error and stops no other. Whoever stops iterating stops the work; the next
    call goes on with it.

    Args:
        paths: files, and folders whose audio and video files are meant, to any depth.
        out: as in `transcribe`.
        formats: as in `transcribe`.
        state_dir: as in `transcribe`.
        state_copy: as in `transcribe`.
        on_progress: as in `transcribe`.
        options: the same for all of them.

    Raises:
        NotFound: none of the paths exists; one that does not exist beside others ends with this error.
        BadRequest: an option is wrong, or there is nothing to transcribe.
        ModelUnavailable: the weights are not on disk and cannot be downloaded.
        ConfigurationError: a setting is wrong.
        Transient: it may succeed the next time; finished parts are kept.
    """
    folder = None if out is None else Path(out)
    names = _file_names(formats, folder)
    wanted = options_of(options)
    return each(
        [Path(one) for one in paths],
        wanted,
        out=folder,
        names=names,
        state_dir=None if state_dir is None else Path(state_dir),
        state_copy=None if state_copy is None else Path(state_copy),
        on_progress=on_progress,
    )


def unload() -> None:
    """Let go of the weights that earlier calls loaded, and of the memory that they take."""
    with _one_at_a_time():
        _loaded.clear()
        gc.collect()  # networks are circles of references


def _file_names(formats: Sequence[str] | str | None, out: Path | None) -> list[str] | None:
    """The files to write; None: as the deployment has them."""
    from shared import outputs

    if formats is None:
        return None
    if out is None:
        raise BadRequest("`formats` says which files to write: name the folder for them with `out`.")
    every = formats.split(",") if isinstance(formats, str) else formats
    return outputs.file_names([one.strip() for one in every])


def each(
    paths: Sequence[Path],
    wanted: model.Options,
    *,
    out: Path | None = None,
    names: Sequence[str] | None = None,
    state_dir: Path | None = None,
    state_copy: Path | None = None,
    on_progress: Callable[[Progress], object] | None = None,
    environ: Mapping[str, str] = os.environ,
) -> Iterator[Ended]:
    """What `transcribe_all` gives, with checked options.

    Args:
        paths: files and folders.
        wanted: options.
        out: folder for the output files; None: they stay in the state folder.
        names: of the files to write there; None: those that the deployment has.
        state_dir: folder of queue, records and results; None: as set.
        state_copy: folder that gets a copy of it, and from which an empty one is filled; None: there is none.
        on_progress: called with how far it is.
        environ: has the settings.
    """
    from local.commands.audio import inputs
    from local.commands.context import local_settings
    from local.runtime import export

    there = [one for one in paths if one.exists()]
    for path in paths:
        if path not in there:
            why = NotFound(f"There is no file or folder {str(path)!r}. Check the spelling of the path.")
            yield Ended(path=path.absolute(), transcript=None, error=why)
    if not there and paths:
        return
    found = inputs.collect(there, never_below=[] if out is None else [out])
    for reason in found.unreadable:
        log.warning("skipped: %s", reason)
    if out is not None:
        export.check(out)
    # A copy: a call changes nothing for the rest of the process.
    settings = local_settings(state_dir, dict(environ))
    if settings.platform != "local":
        raise ConfigurationError(
            "`transcribe` works on this machine. Unset DROPSCRIBE_PLATFORM, or ask a deployment with `dropscribe.Client`."
        )
    with _one_at_a_time(), _opened(settings, state_copy) as ports:
        told = _Told(on_progress)
        for one, recording in _run(found.files, wanted, ports, told):
            path = one.file.path
            told.ended(one.key, recording.duration)
            if recording.state != "DONE":
                yield Ended(path=path, transcript=None, error=_why_not(path, recording))
                continue
            if out is None:
                bucket = settings.transcripts_bucket
                written = [ports.store.path_of(bucket, name) for name in recording.outputs]
            else:
                folder = export.choose_folder(out, one.file.output, one.source, ports)
                files = names or [name.rpartition("/")[2] for name in recording.outputs]
                written = export.export(recording, folder, files, ports, out=out)
            yield Ended(path=path, transcript=_transcript(recording, written, ports), error=None)


@contextmanager
def _opened(settings: Settings, state_copy: Path | None) -> Iterator[LocalPorts]:
    from local.backend.embedded_ports import embedded_topology, open_ports
    from local.backend.state_copy import StateCopy

    with ExitStack() as stack:
        copy = None if state_copy is None else StateCopy(settings.state_dir, state_copy.absolute())
        if copy is not None and copy.restore():
            log.info("going on from the state in %s", state_copy)
        ports = open_ports(settings, embedded_topology().hurried())
        stack.callback(ports.close)
        if copy is not None:
            stack.enter_context(copy.saving())
        yield ports


def _run(
    files: Sequence[InputFile], wanted: model.Options, ports: LocalPorts, told: _Told
) -> Iterator[tuple[Submitted, Recording]]:
    """Every file with its recording as it ends. Nothing is lost where the caller stops."""
    from gpu_job.speech import loading
    from gpu_job.weights import lookup
    from gpu_job.weights import speakers as networks
    from local.commands import downloads
    from local.runtime import one_shot
    from shared.routing import eligible, speakers, weights

    settings = ports.settings
    speakers.check(wanted)
    eligible.check_language(wanted, settings, ports.engines)
    wanted = weights.named(wanted, settings)

    def do_without(error: ModelUnavailable) -> None:
        log.warning(downloads.who_instead(error, wanted, ports))

    submitted = one_shot.look(files, wanted, ports)
    warm = wanted.model
    if warm is not None and not all(one.skipped or one.problem for one in submitted):
        try:
            lookup.locate(warm, loading.form(settings, warm), progress=told.downloaded)
            if wanted.diarize:
                networks.locate(settings.speaker_weights, progress=told.downloaded)
        except ModelUnavailable as error:
            do_without(error)
            warm = None
    told.files = {one.key: str(one.file.path) for one in submitted}
    one_shot.submit(submitted, ports)
    left = {one.key: one for one in submitted}
    engines = _engines(settings)
    try:
        for one, recording in one_shot.follow(
            submitted,
            ports,
            engines.get,
            load_cpu=partial(engines.get, cpu=True),
            progress=told,
            warm=warm,
            do_without=do_without,
        ):
            left.pop(one.key, None)
            yield one, recording
    except (KeyboardInterrupt, GeneratorExit):
        one_shot.forget(list(left.values()), ports)
        raise


def _transcript(recording: Recording, written: Sequence[Path], ports: LocalPorts) -> Transcript:
    from shared.flow import record
    from shared.flow.reading import output_files

    ((_, document),) = output_files.files(recording, [DOCUMENT], ports)
    return transcript_of(
        document,
        usd=record.cost(recording.id, ports),
        outputs={path.name: str(path) for path in written},
    )


def _why_not(path: Path, recording: Recording) -> DropscribeError:
    if recording.code == "missing":
        return NotFound(recording.reason)
    return TranscriptionFailed(
        source=str(path),
        state=recording.state,
        reason=recording.reason,
        code=recording.code,
        recording=recording.id,
    )


# --- engines, which stay for the next call ---------------------------------------------------------------------------

_loaded: dict[tuple[object, ...], LoadedEngines] = {}
"""Those of one kind of settings: with others, an engine would be another one."""


def _engines(settings: Settings) -> LoadedEngines:
    from gpu_job.pipeline.loaded_engines import LoadedEngines
    from gpu_job.speech import loading

    kind = (settings.engines, settings.enable_gpu, settings.gpu_memory_limit_gb, settings.image_model)
    if kind not in _loaded:
        _loaded.clear()
        gc.collect()  # networks are circles of references
        _loaded[kind] = LoadedEngines(
            partial(loading.load, settings),
            settings.gpu_memory_limit_gb,
            partial(loading.load, replace(settings, enable_gpu=False)),
        )
    return _loaded[kind]


_working = threading.Lock()
_worker: int | None = None
"""The thread whose call works, by its ident: engines are not made for several threads."""


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    """Wait for the calls of other threads.

    Raises:
        BadRequest: this thread is in the middle of one.
    """
    global _worker  # noqa: PLW0603 - guarded by the lock
    if _worker == threading.get_ident():
        raise BadRequest(
            "`transcribe_all` is at work in this thread: take all that it gives, or `close()` it, first."
        )
    with _working:
        _worker = threading.get_ident()
        try:
            yield
        finally:
            _worker = None


class _Told:
    """Passes on how far things are."""

    def __init__(self, on_progress: Callable[[Progress], object] | None) -> None:
        self._on_progress = on_progress
        self._lock = threading.Lock()
        self._heard: dict[str, float] = {}
        self._lengths: dict[str, float | None] = {}
        self.files: dict[str, str] = {}
        """Path of each recording, by its key."""

    def downloaded(self, file: str, done: int, total: int) -> None:
        """Bytes of a file of the weights that are here."""
        self._say(Progress(stage="download", file=file, done=done, total=total))

    def planned(self, key: str, duration: float | None) -> None:
        """The length of a recording is known."""
        with self._lock:
            news = self._lengths.get(key) != duration
            self._lengths[key] = duration
        if news:
            self.heard(key, 0.0)

    def heard(self, key: str, seconds: float) -> None:
        """Some more seconds of a recording were recognised."""
        with self._lock:
            total = self._lengths.get(key)
            self._heard[key] = done = self._heard.get(key, 0.0) + seconds
        # Chunks overlap, so more is heard than there is.
        done = done if total is None else min(done, total)
        self._say(Progress(stage="transcribe", file=self.files.get(key, key), done=done, total=total))

    def ended(self, key: str, duration: float | None) -> None:
        """Nothing more comes of a recording; its length is as measured, or None."""
        with self._lock:
            was_heard = self._heard.pop(key, 0.0)
        if was_heard and duration is not None:
            self._say(
                Progress(stage="transcribe", file=self.files.get(key, key), done=duration, total=duration)
            )

    def _say(self, progress: Progress) -> None:
        if self._on_progress is not None:
            try:
                self._on_progress(progress)
            except Exception:
                log.exception("on_progress failed")
