"""Transcribe some files now: the whole flow in one process, until all of them have ended.

The same queue, records and steps as `dropscribe up`; only the functions are called directly instead
of over HTTP. State survives: what was finished is not repeated, what was begun goes on.
"""

from __future__ import annotations

import queue
import threading
import time
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from gpu_job.pipeline.consumer import DECODERS
from gpu_job.pipeline.worker import Worker
from local.backend.embedded_ports import EXPORTER
from local.commands.inputs import InputFile
from local.runtime.events import object_resource
from local.runtime.push import PushLoop
from local.runtime.steps import in_process
from shared.costs import budget
from shared.errors import ModelUnavailable, Permanent, Transient
from shared.flow import upload
from shared.messages import AUDIO_FINALIZED, metadata_of
from shared.model import FILES_BUCKET, StoredObject, recording_id
from shared.planning import plan
from shared.state import documents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from cloudevents.http import CloudEvent

    from gpu_job.speech.transcriber import Transcriber
    from local.backend.embedded_ports import LocalPorts
    from shared.model import Options, Recording

LOOK_EVERY, LOOK_EACH = 0.05, 0.005
"""Seconds between two looks at all records, and for each recording more: what ends here is told at once, the rest
is progress, and what another process has brought to its end."""


LOST_EVERY = 3.0
"""Seconds between two looks for recordings that nobody works on."""


class Watcher(Protocol):
    """Somebody who wants to know how far things are. Called from several threads."""

    def planned(self, key: str, duration: float | None) -> None:
        """The length of a recording is known, seconds; may be told more than once."""
        ...

    def heard(self, key: str, seconds: float) -> None:
        """Some more seconds of a recording were recognised."""
        ...


class Nobody:
    """Does not want to know."""

    def planned(self, key: str, duration: float | None) -> None:
        """Nothing."""

    def heard(self, key: str, seconds: float) -> None:
        """Nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """One input on its way."""

    file: InputFile
    """What it is."""
    source: StoredObject
    """The file as an object, with its options."""
    key: str
    """Key of its recording."""
    skipped: bool = False
    """True when it was finished by an earlier run."""
    problem: str = ""
    """Why there is nothing to submit, where the file cannot even be looked at."""


def look(files: Sequence[InputFile], options: Options, ports: LocalPorts) -> list[Submitted]:
    """Which recordings the files are, and which of them are finished. Changes nothing."""
    return [_look(file, options, ports) for file in files]


def submit(found: Sequence[Submitted], ports: LocalPorts) -> None:
    """Announce what is not finished to the router; what failed before is tried again."""
    wanted = [one for one in found if not one.skipped and not one.problem]
    for one in wanted:
        recording = documents.get_recording(ports.records, one.key)
        if recording is not None:
            upload.reopen(recording, ports)
    _announce(wanted, ports)


def follow(
    submitted: Sequence[Submitted],
    ports: LocalPorts,
    load: Callable[[str], Transcriber],
    *,
    load_cpu: Callable[[str], Transcriber] | None = None,
    watcher: Watcher | None = None,
    warm: str | None = None,
    do_without: Callable[[ModelUnavailable], None] | None = None,
) -> Iterator[tuple[Submitted, Recording]]:
    """Run the flow until every input has ended, giving each as it does.

    Args:
        submitted: from `look`, after `submit`.
        ports: the adapters to use.
        load: gives the engine for the name of some weights.
        load_cpu: the same on the processor, for chunks that a GPU gave up; None: `load` does.
        watcher: told how far things are.
        warm: weights to load before the first chunk comes.
        do_without: asked where `warm` cannot be loaded; raises where no other engine may take over.

    Raises:
        ModelUnavailable: `warm` cannot be loaded, and nothing else will do; nothing is lost.
        Transient: the worker broke down; nothing is lost.
    """
    watcher = watcher or Nobody()
    waiting = {one.key: one for one in submitted if not one.problem}
    ports.queue.reclaim()
    yield from _ended(waiting, ports, watcher)
    if not waiting:
        return
    ports.media.warm(DECODERS)
    if not ports.hosted:  # which would decode for themselves
        ports.media.look_ahead(DECODERS, partial(plan.whole, settings=ports.settings))
    with ExitStack() as stack:
        told: queue.SimpleQueue[str] = queue.SimpleQueue()
        steps = in_process(ports)
        steps[EXPORTER] = _telling(steps[EXPORTER], told)
        for subscription, step in steps.items():
            loop = PushLoop(ports.queue, subscription, step)
            loop.start()
            stack.callback(loop.stop)
        worker = Worker(ports, load, load_cpu=load_cpu, on_progress=watcher.heard)
        if warm is not None:
            _load(warm, worker, do_without)
        stop = threading.Event()
        broke: list[Exception] = []

        def work() -> None:
            try:
                worker.run(stop)
            except Exception as error:  # noqa: BLE001 - raised again by whoever waits for the recordings
                broke.append(error)

        thread = threading.Thread(target=work, name="worker")
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        look_again = time.monotonic() + LOST_EVERY
        while waiting:
            if not thread.is_alive():
                why = f": {str(broke[0]).rstrip('.')}" if broke else ""
                raise Transient(
                    f"The worker ended in the middle of its work{why}. Start again: what is done stays."
                ) from (broke[0] if broke else None)
            yield from _told(told, waiting, ports, watcher)
            yield from _ended(waiting, ports, watcher)
            if time.monotonic() > look_again:
                _announce_lost(waiting, ports)
                look_again = time.monotonic() + LOST_EVERY


def _load(model: str, worker: Worker, do_without: Callable[[ModelUnavailable], None] | None) -> None:
    try:
        worker.engine(model)
    except ModelUnavailable as error:
        if do_without is None:
            raise
        # The worker remembers it, and hands on what comes for these weights.
        do_without(error)


def forget(submitted: Sequence[Submitted], ports: LocalPorts) -> None:
    """Take the pending messages of these inputs off the queue, after a person stopped the run.

    Nothing is lost: submitting a file again goes on from the chunks that are done.
    """
    ports.queue.purge("recording", *(one.key for one in submitted))


def _look(file: InputFile, options: Options, ports: LocalPorts) -> Submitted:
    try:
        source = replace(ports.file(file.path), metadata=metadata_of(options))
    except Permanent as error:
        source = StoredObject(bucket=FILES_BUCKET, name=str(file.path), generation=0, size=0)
        return Submitted(file=file, source=source, key=recording_id(source, options), problem=str(error))
    key = recording_id(source, options)
    recording = documents.get_recording(ports.records, key)
    done = recording is not None and recording.state == "DONE"
    return Submitted(file=file, source=source, key=key, skipped=done)


def _announce(several: Sequence[Submitted], ports: LocalPorts) -> None:
    ports.queue.publish_many(
        AUDIO_FINALIZED, [(object_resource(one.source), {"recording": one.key}) for one in several]
    )


def _announce_lost(waiting: dict[str, Submitted], ports: LocalPorts) -> None:
    """Announce again what nobody has a message about: another run on the same files may have been stopped.

    Until a recording has ended there is always a message about it, because each step publishes the next
    one before it acknowledges its own.
    """
    lost = waiting.keys() - ports.queue.values_of("recording")
    found = {key: documents.get_recording(ports.records, key) for key in lost}
    _announce([waiting[key] for key, one in found.items() if one is None or not one.ended], ports)


def _telling(
    step: Callable[[CloudEvent], None], told: queue.SimpleQueue[str]
) -> Callable[[CloudEvent], None]:
    """The same step, which then tells whose transcript it was."""

    def on_transcript(event: CloudEvent) -> None:
        step(event)
        told.put(event.data["message"]["attributes"]["recording"])

    return on_transcript


def _told(
    told: queue.SimpleQueue[str], waiting: dict[str, Submitted], ports: LocalPorts, watcher: Watcher
) -> Iterator[tuple[Submitted, Recording]]:
    """What is told to have ended until it is time to look at all."""
    until = time.monotonic() + LOOK_EVERY + len(waiting) * LOOK_EACH
    while waiting and (left := until - time.monotonic()) > 0:
        with suppress(queue.Empty):
            yield from _ended(waiting, ports, watcher, only=told.get(timeout=left))


def _ended(
    waiting: dict[str, Submitted], ports: LocalPorts, watcher: Watcher, *, only: str | None = None
) -> Iterator[tuple[Submitted, Recording]]:
    for key in [one for one in waiting if only in (None, one)]:
        recording = documents.get_recording(ports.records, key)
        if recording is not None and recording.ended:
            yield waiting.pop(key), recording
        elif recording is not None and recording.held:
            # Nobody would let it go on here: that is for the person, who may come back with it.
            why = f"{budget.why_held(recording, ports)} Run the same command again then."
            yield waiting.pop(key), replace(recording, state="FAILED", reason=why, code="held")
        elif recording is not None and recording.audio is not None:
            watcher.planned(key, recording.audio.duration)
