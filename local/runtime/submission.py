"""From files to recordings on their way: what is done already, and what is announced to the router.

A file is known by its path and its version; one that was renamed after it was done, by its content.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from local.runtime import contents, inbox_recordings
from local.runtime.events import object_resource
from shared import concurrency
from shared.errors import Damaged, DropscribeError, Permanent
from shared.flow import dispatch, upload
from shared.messages import AUDIO_FINALIZED, metadata_of, options_from_metadata
from shared.model import FILES_BUCKET, Options, StoredObject, recording_id
from shared.state import answers, documents, uploads
from shared.telemetry import log
from shared.topology import ROUTER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from local.backend.embedded_ports import LocalPorts


@dataclass(frozen=True, kw_only=True, slots=True)
class InputFile:
    """One file to transcribe."""

    path: Path
    """Absolute, links not resolved."""
    output: Path
    """Folder of its outputs, relative to the output directory; no two inputs share one."""
    is_here: bool = True
    """False for what came from standard input or a web address: nothing can be put beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Submitted:
    """One input on its way."""

    file: InputFile
    source: StoredObject
    """The file as an object, with its options."""
    key: str
    """Key of its recording."""
    skipped: bool = False
    """Whether an earlier run finished it."""
    known_as: str = ""
    """Name that the file had when an earlier run finished it; empty if it had this one."""
    problem: Permanent | None = None
    """Why there is nothing to submit; None unless the file, or the document of its recording, cannot be read."""
    of_up: bool = False
    """Whether it is a file of the inbox that `up` has taken: its recording is waited for, and goes on without this run."""

    @property
    def to_do(self) -> bool:
        """Whether there is something to transcribe."""
        return not self.skipped and not self.problem


def look(files: Sequence[InputFile], options: Options, ports: LocalPorts) -> list[Submitted]:
    """Which recordings the files stand for, and which of them are finished. Changes nothing."""
    found: list[Submitted] = []
    keys: set[str] = set()
    until = concurrency.monotonic() + inbox_recordings.SOON
    for file in files:
        try:
            one = _of_up(file, options, ports, until) or _look(file, options, ports)
            known = one if one.skipped else _known(one, options, ports)
        except Permanent as error:
            one = known = _unreadable(file, options, error)
        except DropscribeError:
            raise  # which concerns all of them
        except Exception as error:  # noqa: BLE001 - the other files must not wait for it
            log.exception("%s cannot be looked at", file.path)
            one = known = _unreadable(file, options, Permanent(f"It cannot be looked at: {error!r}."))
        # Two files of one content may not both stand for one recording.
        chosen = one if known.key in keys else known
        found.append(chosen)
        keys.add(chosen.key)
    return found


def submit(found: Sequence[Submitted], ports: LocalPorts) -> None:
    """Take the unfinished recordings, and announce them to the router; those that failed or were cancelled before are tried again.

    What another run works on is its own: this one waits for it.
    """
    own = take(found, ports)
    wanted = [one for one in found if one.to_do and (one.of_up or one.key in own)]
    # What an earlier run announced: its deliveries are not this one's.
    ports.queue.purge("recording", *(one.key for one in wanted if not one.of_up), subscription=ROUTER)
    with ports.together():
        for one in wanted:
            recording = documents.get_recording(ports.records, one.key)
            if recording is None:
                # Its own options apply, whatever another recording of the same file has.
                upload.accept(one.source, options_from_metadata(one.source.metadata), ports)
            else:
                upload.reopen(recording, ports)
        for one in wanted:
            with suppress(Permanent):  # a file that cannot be read is told when it is its turn
                options = options_from_metadata(one.source.metadata)
                contents.remember(contents.key_of(one.source, options, ports), one.key, ports)
    announce(wanted, ports)


def take(found: Sequence[Submitted], ports: LocalPorts) -> frozenset[str]:
    """Have the recordings of this run to itself: others go by the settings of `up`. Those of `up` only while none runs.

    Returns:
        Keys of those that it has: another run may have some.
    """
    rests = ports.nothing_runs()
    return ports.queue.own(
        {one.key for one in found if one.to_do and (not one.of_up or (rests and _can(one, ports)))}
    )


def _can(one: Submitted, ports: LocalPorts) -> bool:
    return inbox_recordings.can(options_from_metadata(one.source.metadata), ports)


def announce(several: Sequence[Submitted], ports: LocalPorts) -> None:
    """Announce recordings to the router, whatever was announced before."""
    ports.queue.publish_many(
        AUDIO_FINALIZED, [(object_resource(one.source), {"recording": one.key}) for one in several]
    )


def forget(submitted: Sequence[Submitted], ports: LocalPorts) -> None:
    """Remove the work that waits for these inputs from the queue, after a person stopped the run.

    That of `up`, of another run, and of recordings that others have asked for, stays, and so does what is told of
    ends. Nothing is lost: submitting a file again continues from the chunks that are done.
    """
    own = {one.key for one in submitted if one.to_do and not one.of_up} & ports.queue.owned
    keys = [key for key in own if not _is_asked_for(key, ports)]
    ports.queue.drop(keys)
    for key in keys:
        with suppress(Damaged):
            dispatch.forget_published(key, ports)


def _is_asked_for(key: str, ports: LocalPorts) -> bool:
    """Whether a request waits for a recording."""
    waiting = ports.records.query(answers.REQUESTS, {"recording": key, "answered": False})
    return next(iter(waiting), None) is not None


def _of_up(file: InputFile, options: Options, ports: LocalPorts, until: float) -> Submitted | None:
    found = inbox_recordings.find(file.path, options, ports, until)
    if found is None:
        return None
    source, own = found
    key = recording_id(source, own)
    recording = documents.get_recording(ports.records, key)
    if recording is not None and recording.state == "DELETED":
        return None  # a person wants it after all
    uploads.check_version(source, recording)
    done = recording is not None and recording.state == "DONE"
    return Submitted(file=file, source=source, key=key, skipped=done, of_up=True)


def _look(file: InputFile, options: Options, ports: LocalPorts) -> Submitted:
    source = replace(ports.file(file.path), metadata=metadata_of(options))
    key = recording_id(source, options)
    recording = documents.get_recording(ports.records, key)
    uploads.check_version(source, recording)
    done = recording is not None and recording.state == "DONE"
    return Submitted(file=file, source=source, key=key, skipped=done)


def _unreadable(file: InputFile, options: Options, error: Permanent) -> Submitted:
    source = StoredObject(bucket=FILES_BUCKET, name=str(file.path), generation=0, size=0)
    return Submitted(file=file, source=source, key=recording_id(source, options), problem=error)


def _known(one: Submitted, options: Options, ports: LocalPorts) -> Submitted:
    """The same, or the finished recording of a file of this content that had another name."""
    if documents.get_recording(ports.records, one.key) is not None:
        return one
    with suppress(Permanent):
        recording = contents.find(contents.key_of(one.source, options, ports), ports)
        if recording is not None:
            return replace(one, key=recording.id, skipped=True, known_as=recording.source.name)
    return one
