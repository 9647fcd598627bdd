"""Runs the flow for `transcribe` and `transcribe_all`, and gives what comes of each file."""

from __future__ import annotations

import logging
import os
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from dropscribe.engines import loaded, one_at_a_time
from dropscribe.errors import (
    ConfigurationError,
    DropscribeError,
    ModelUnavailable,
    NotFound,
    TranscriptionFailed,
)
from dropscribe.progress import Progress, Told
from dropscribe.results import DOCUMENT, Transcript, transcript_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from local.backend.embedded_ports import LocalPorts
    from local.commands.audio.sources import Sources
    from local.runtime.submission import InputFile, Submitted
    from shared import model
    from shared.model import Recording
    from shared.settings import Settings

log = logging.getLogger("dropscribe")
log.addHandler(logging.NullHandler())  # a program decides for itself what it shows


@dataclass(frozen=True, kw_only=True, slots=True)
class Ended:
    """How one of several files ended."""

    source: str
    """Its path, absolute, or its address; as it was named, if there is nothing."""
    transcript: Transcript | None
    """Its transcript; None if there is none."""
    error: DropscribeError | None
    """Why there is none; None if there is one."""

    @property
    def name(self) -> str:
        """The last part of it."""
        return self.source.rstrip("/").rpartition("/")[2]


def only(every: Iterator[Ended]) -> Transcript:
    """The transcript of the one file that there is.

    Raises:
        DropscribeError: it has none.
    """
    (ended,) = every
    if ended.transcript is None:
        assert ended.error is not None, "one of the two is there"
        raise ended.error
    return ended.transcript


def each(
    sources: Sequence[str],
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

    Arguments as there: `wanted` are the options, `names` those of the files to write into `out`, and `environ` has the
    settings.
    """
    from local.backend.incoming import Incoming
    from local.commands.audio import inputs
    from local.commands.audio.sources import Sources, comes_from_elsewhere
    from local.commands.context import local_settings
    from local.runtime import export

    # A copy: a call changes nothing for the rest of the process.
    settings = local_settings(state_dir, dict(environ))
    if settings.platform != "local":
        raise ConfigurationError(
            "`transcribe` works on this machine. Unset DROPSCRIBE_PLATFORM, or ask a deployment with `dropscribe.Client`."
        )
    told = Told(on_progress)
    with one_at_a_time(), Incoming(settings.state_dir) as incoming:
        receive = Sources(incoming, settings, told.downloaded)
        there: dict[str, Path] = {}
        for source in dict.fromkeys(sources):
            try:
                there[source] = _there(source, receive)
            except DropscribeError as error:
                yield Ended(source=source, transcript=None, error=error)
        if sources and not there:
            return
        never_below = [] if out is None else [out]
        found = inputs.collect(list(there), never_below=never_below, receive=there.__getitem__)
        for reason in found.unreadable.values():
            log.warning("skipped: %s", reason)
        if out is not None:
            export.check(out)
        names_of = {path: source for source, path in there.items() if comes_from_elsewhere(source)}
        with _opened(settings, state_copy) as ports:
            for one, recording in _run(found.files, wanted, ports, told):
                source = names_of.get(one.file.path, str(one.file.path))
                told.ended(one.key, recording.duration)
                if recording.state != "DONE":
                    yield Ended(source=source, transcript=None, error=_why_not(source, recording))
                    continue
                written = _written(one, recording, out, names, ports)
                yield Ended(source=source, transcript=_transcript(recording, written, ports), error=None)


def _there(source: str, receive: Sources) -> Path:
    """The file or folder of what was named.

    Raises:
        DropscribeError: there is nothing, or it cannot be fetched.
    """
    from local.commands.audio.sources import STDIN, comes_from_elsewhere

    if comes_from_elsewhere(source) and source != STDIN:
        return receive(source)
    path = Path(source.removeprefix("file://"))
    if not source or not (path.is_file() or path.is_dir()):
        raise NotFound(f"There is no file or folder {source!r}. Check the spelling of the path.")
    return path.absolute()


def _written(
    one: Submitted, recording: Recording, out: Path | None, names: Sequence[str] | None, ports: LocalPorts
) -> list[Path]:
    """The output files of a recording that is done."""
    from local.runtime import export
    from shared.flow.reading import output_files

    if out is None:
        bucket = ports.settings.transcripts_bucket
        return [ports.store.path_of(bucket, name) for name in recording.outputs]
    folder = export.choose_folder(out, one.file.output, one.source, ports)
    files = names or [output_files.short(name) for name in recording.outputs]
    return export.export(recording, folder, files, ports, out=out)


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
    files: Sequence[InputFile], wanted: model.Options, ports: LocalPorts, told: Told
) -> Iterator[tuple[Submitted, Recording]]:
    """Every file with its recording as it ends. Nothing is lost where the caller stops."""
    from local.commands import downloads
    from local.runtime import one_shot, submission
    from shared.routing import eligible, speakers, weights

    settings = ports.settings
    speakers.check(wanted)
    eligible.check_language(wanted, settings, ports.engines)
    wanted = weights.named(wanted, settings)

    def do_without(error: ModelUnavailable) -> None:
        log.warning(downloads.who_instead(error, wanted, ports))

    submitted = submission.look(files, wanted, ports)
    warm = wanted.model
    if warm is not None and any(one.to_do for one in submitted):
        try:
            downloads.locate_all(warm, wanted, settings, told.downloaded)
        except ModelUnavailable as error:
            do_without(error)
            warm = None
    told.files = {one.key: str(one.file.path) for one in submitted}
    submission.submit(submitted, ports)
    left = {one.key: one for one in submitted}
    engines = loaded(settings)
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
        submission.forget(list(left.values()), ports)
        raise


def _transcript(recording: Recording, written: Sequence[Path], ports: LocalPorts) -> Transcript:
    from shared.flow import record
    from shared.flow.reading import output_files

    return transcript_of(
        output_files.content(recording, DOCUMENT, ports),
        usd=record.cost(recording.id, ports),
        outputs={path.name: str(path) for path in written},
    )


def _why_not(source: str, recording: Recording) -> DropscribeError:
    if recording.code == "missing":
        return NotFound(recording.reason)
    return TranscriptionFailed(
        source=source,
        state=recording.state,
        reason=recording.reason,
        code=recording.code,
        recording=recording.id,
    )
