"""Transcribe some files now: the whole flow in one process, until all of them have ended.

The same queue, records and steps as `dropscribe up`; only the functions are called directly instead
of over HTTP. State survives: what was finished is not repeated, what was begun goes on.
"""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from gpu_job.worker import Worker
from local.events import object_resource
from local.inputs import InputFile
from local.push import PushLoop
from local.steps import in_process
from shared.flow import documents, upload
from shared.messages import AUDIO_FINALIZED, to_fields
from shared.model import recording_id

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_job.engine import Transcriber
    from local.platform import LocalPorts
    from shared.model import Options, Recording

LOOK_EVERY = 0.05
"""Seconds between two looks at the records."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """One input on its way."""

    file: InputFile
    """What it is."""
    key: str
    """Key of its recording."""
    skipped: bool
    """True when it was finished by an earlier run."""


def submit(files: Sequence[InputFile], options: Options, ports: LocalPorts) -> list[Submitted]:
    """Announce the files that are not finished yet to the router."""
    return [_submit(file, options, ports) for file in files]


def follow(
    submitted: Sequence[Submitted],
    ports: LocalPorts,
    load: Callable[[str], Transcriber],
    *,
    on_progress: Callable[[str, float], None],
    warm: str | None = None,
) -> Iterator[tuple[Submitted, Recording]]:
    """Run the flow until every input has ended, giving each as it does.

    Args:
        submitted: from `submit`.
        ports: the world.
        load: gives the engine for the name of some weights.
        on_progress: told the key of a recording and seconds of its audio just recognised.
        warm: weights to load before the first chunk comes.

    Raises:
        ModelUnavailable: `warm` cannot be loaded; nothing is lost.
    """
    waiting = {one.key: one for one in submitted}
    yield from _ended(waiting, ports)
    if not waiting:
        return
    with ExitStack() as stack:
        for subscription, step in in_process(ports).items():
            loop = PushLoop(ports.queue, subscription, step)
            loop.start()
            stack.callback(loop.stop)
        worker = Worker(ports, load, on_progress=on_progress)
        if warm is not None:
            worker.engine(warm)
        stop = threading.Event()
        thread = threading.Thread(target=worker.run, args=(stop,), name="worker")
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        while waiting:
            time.sleep(LOOK_EVERY)
            yield from _ended(waiting, ports)


def forget(submitted: Sequence[Submitted], ports: LocalPorts) -> None:
    """Take the pending messages of these inputs off the queue, after a person stopped the run.

    Nothing is lost: submitting a file again goes on from the chunks that are done.
    """
    for one in submitted:
        ports.queue.purge("recording", one.key)


def _submit(file: InputFile, options: Options, ports: LocalPorts) -> Submitted:
    # As an upload would carry them.
    chosen = {f"dropscribe-{name}": str(value) for name, value in to_fields(options).items() if value}
    source = replace(ports.file(file.path), metadata=chosen)
    key = recording_id(source, options)
    recording = documents.get_recording(ports.records, key)
    if recording is not None and recording.state == "DONE":
        return Submitted(file=file, key=key, skipped=True)
    if recording is not None and recording.state == "FAILED":
        upload.reopen(recording, ports)
    ports.queue.publish(AUDIO_FINALIZED, object_resource(source), {"recording": key})
    return Submitted(file=file, key=key, skipped=False)


def _ended(waiting: dict[str, Submitted], ports: LocalPorts) -> Iterator[tuple[Submitted, Recording]]:
    for key in list(waiting):
        recording = documents.get_recording(ports.records, key)
        if recording is not None and recording.ended:
            yield waiting.pop(key), recording
