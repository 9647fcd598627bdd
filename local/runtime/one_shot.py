"""Transcribe some files now: the complete flow in one process, until all of them have ended.

The same queue, records and steps as `dropscribe up`; only the functions are called directly instead
of over HTTP. State survives: finished work is not repeated, unfinished work continues.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Protocol

from functions.push import read
from gpu_job.pipeline.consumer import DECODERS
from gpu_job.pipeline.worker import Worker
from local.backend import remembered
from local.runtime import submission
from local.runtime.push import PushLoop, end_despite, stop_all
from local.runtime.subscriptions import in_process
from shared import concurrency
from shared.costs import budget
from shared.errors import CallHangs, Damaged, ModelUnavailable, Permanent, Transient
from shared.flow import dispatch
from shared.model import Options, Recording
from shared.planning import plan
from shared.state import answers, documents
from shared.topology import EXPORTER, MERGER, REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from gpu_job.speech.transcriber import Transcriber
    from local.backend.embedded_ports import LocalPorts
    from local.runtime.submission import Submitted

LOOK_EVERY, LOOK_EACH = 0.25, 0.02
"""Seconds between two looks at all records, and for each recording more: an end in this process is reported at once, the rest
is progress, and recordings that another process ends."""
LOST_EVERY = 3.0
"""Seconds between two looks at what other processes have, and for recordings that have no message any more."""


class Progress(Protocol):
    """Where progress is reported. Called from several threads."""

    def planned(self, key: str, duration: float | None) -> None:
        """The length of a recording is known, seconds; may be called more than once."""

    def heard(self, key: str, seconds: float) -> None:
        """Some more seconds of a recording were recognised."""


def follow(
    submitted: Sequence[Submitted],
    ports: LocalPorts,
    load: Callable[[str], Transcriber],
    *,
    progress: Progress,
    load_cpu: Callable[[str], Transcriber] | None = None,
    warm: str | None = None,
    do_without: Callable[[ModelUnavailable], None] | None = None,
) -> Iterator[tuple[Submitted, Recording]]:
    """Run the flow until every input has ended, giving each as it does; those that cannot be read come first, as FAILED.

    Args:
        submitted: from `submission.look`, after `submission.submit`.
        ports: the adapters to use.
        load: gives the engine for the name of some weights.
        progress: is told how far things are.
        load_cpu: the same on the processor, for chunks that a GPU gave up; None: `load` does.
        warm: weights to load before the first chunk comes.
        do_without: called where `warm` cannot be loaded; raises where no other engine may take over.

    Raises:
        ModelUnavailable: `warm` cannot be loaded, and nothing else will do; nothing is lost.
        CallHangs: a step does not return; end the process. Nothing is lost.
        Transient: the worker failed; nothing is lost.
    """
    ports.queue.look_seconds = LOOK_EVERY  # each step of this run publishes here
    keys = [one.key for one in submitted if one.to_do and not one.of_up]
    yield from ((one, _unread(one, one.problem, ports)) for one in submitted if one.problem)
    waiting = {one.key: one for one in submitted if not one.problem}
    ports.reclaim()
    yield from _ended(waiting, ports, progress)
    if not waiting:
        _told(keys, ports)
        return
    ports.media.warm(min(DECODERS, len(waiting)))
    if not ports.hosted:  # which would decode for themselves
        ports.media.look_ahead(DECODERS, partial(plan.whole, settings=ports.settings))
    with ExitStack() as stack:
        stack.callback(_told, keys, ports)
        ended: concurrency.SimpleQueue[str] = concurrency.SimpleQueue()
        stop = concurrency.Event()
        loops = [PushLoop(ports.queue, name, step) for name, step in _steps(ports, ended, stop).items()]
        stack.callback(stop_all, loops)
        for loop in loops:
            loop.start()
        worker = Worker(ports, load, load_cpu=load_cpu, on_progress=progress.heard)
        if warm is not None:
            _load(warm, worker, do_without)
        broke: list[Exception] = []

        def work() -> None:
            try:
                worker.run(stop)
            except Exception as error:  # noqa: BLE001 - raised again where the recordings are waited for
                broke.append(error)

        thread = concurrency.Thread(target=work, name="worker")
        thread.start()
        stack.callback(thread.join)
        stack.callback(stop.set)
        look_again = concurrency.monotonic() + LOST_EVERY
        while waiting:
            if not thread.is_alive():
                why = f": {str(broke[0]).rstrip('.')}" if broke else ""
                raise Transient(
                    f"The worker stopped before the work was done{why}. Start again: finished parts are kept."
                ) from (broke[0] if broke else None)
            _check_all_return(loops)
            yield from _ended_by_message(ended, waiting, ports, progress)
            yield from _ended(waiting, ports, progress)
            if concurrency.monotonic() > look_again:
                _look_around(submitted, waiting, ports)
                _told(keys, ports)
                look_again = concurrency.monotonic() + LOST_EVERY
    end_despite(loops)


def _told(keys: Sequence[str], ports: LocalPorts) -> None:
    """Drop the news of ends of these recordings: their person is told here, and no folder of `up` waits for them."""
    if ports.queue.pending(EXPORTER):
        ports.queue.purge("recording", *keys, subscription=EXPORTER)


def _unread(one: Submitted, error: Permanent, ports: LocalPorts) -> Recording:
    """What stands for a recording whose file, or whose document, cannot be read."""
    return Recording(
        id=one.key,
        source=one.source,
        options=Options(),
        state="FAILED",
        created=ports.clock.now(),
        reason=str(error),
        code=answers.code_of(error) if isinstance(error, Damaged) else "missing",
    )


def _check_all_return(loops: Sequence[PushLoop]) -> None:
    for loop in loops:
        if loop.left_behind:
            said = loop.left_behind[0]
            raise CallHangs(f"The run ends: {said}. Run the same command again: finished parts are kept.")


def _load(model: str, worker: Worker, do_without: Callable[[ModelUnavailable], None] | None) -> None:
    try:
        worker.engine(model)
    except ModelUnavailable as error:
        if do_without is None:
            raise
        # The worker remembers it, and hands on what comes for these weights.
        do_without(error)


def _look_around(submitted: Sequence[Submitted], waiting: dict[str, Submitted], ports: LocalPorts) -> None:
    """Go on with what another process had that is no longer running, and announce again what has no message any more.

    Until a recording has ended there is always a message about it, because each step publishes the next
    one before it acknowledges its own. But another run that had it may have been stopped.
    """
    submission.take(submitted, ports)
    if ports.queue.reclaim():
        ports.reclaim()
    lost = (waiting.keys() & ports.queue.owned) - ports.queue.at_work()
    found = {key: dispatch.forget_published(key, ports) for key in lost}
    submission.announce([waiting[key] for key, one in found.items() if one is None or not one.ended], ports)


def _steps(
    ports: LocalPorts, ended: concurrency.SimpleQueue[str], stop: concurrency.Event
) -> dict[str, Callable[[bytes], None]]:
    """What is done here of the flow: requests, and what is told of ends, are for `up`."""
    steps = in_process(ports, remembered.as_up(ports.settings, ports.records), stop)
    steps[MERGER] = _reporting(steps[MERGER], ended)
    return {name: step for name, step in steps.items() if name not in {REQUESTS, EXPORTER}}


def _reporting(step: Callable[[bytes], None], ended: concurrency.SimpleQueue[str]) -> Callable[[bytes], None]:
    """The same step, which then puts the recording into `ended`: it may have."""

    def on_chunk_done(body: bytes) -> None:
        step(body)
        ended.put(read({}, body).attributes.get("recording", ""))

    return on_chunk_done


def _ended_by_message(
    ended: concurrency.SimpleQueue[str], waiting: dict[str, Submitted], ports: LocalPorts, progress: Progress
) -> Iterator[tuple[Submitted, Recording]]:
    """Recordings whose end a message reports, until it is time to look at all of them."""
    until = concurrency.monotonic() + LOOK_EVERY + len(waiting) * LOOK_EACH
    while waiting and (left := until - concurrency.monotonic()) > 0:
        with suppress(concurrency.Empty):
            yield from _ended(waiting, ports, progress, only=ended.get(timeout=left))


def _ended(
    waiting: dict[str, Submitted], ports: LocalPorts, progress: Progress, *, only: str | None = None
) -> Iterator[tuple[Submitted, Recording]]:
    for key in [one for one in waiting if only in (None, one)]:
        try:
            recording = documents.get_recording(ports.records, key)
        except Damaged as error:
            one = waiting.pop(key)
            yield one, _unread(one, error, ports)
            continue
        if recording is not None and recording.ended:
            yield waiting.pop(key), recording
        elif recording is not None and recording.held:
            # Nothing here would release it: a person may run the command again later.
            why = f"{budget.why_held(recording, ports)} Run the same command again then."
            yield waiting.pop(key), replace(recording, state="FAILED", reason=why, code="held")
        elif recording is not None and recording.audio is not None:
            progress.planned(key, recording.audio.duration)
