"""Does one job in this process: probes or decodes, and says in a frame how it went, whatever goes wrong."""

from __future__ import annotations

import os
import struct
from dataclasses import replace
from typing import TYPE_CHECKING

import av
import msgspec

from shared.audio.decoding.decode import decode
from shared.audio.files.reader import Reader
from shared.audio.probing.audio_info import probe
from shared.audio.sandbox import checks, wire
from shared.audio.sandbox.checks import BreachError
from shared.audio.sandbox.remote import CallerLostError, Remote
from shared.errors import BadMedia

if TYPE_CHECKING:
    from shared.model import AudioInfo

MEMORY_MESSAGE = (
    "Decoding this file takes more memory than is allowed for a recording. Convert it to another format (for "
    "example FLAC) and try again."
)
IMPOSSIBLE = (
    "The header of this file says what no recording has, such as a length of more than a year. It is probably damaged; "
    "play it, and if it plays convert it to another format (for example FLAC) and try again."
)
FILES_FAULT = (
    av.error.FFmpegError,
    EOFError,
    ValueError,
    ArithmeticError,
    LookupError,
    struct.error,
    RecursionError,
)
"""What reading damaged bytes raises. Anything else, such as a module that is missing, is a fault of ours."""


def recording(job: wire.Job, remote: Remote) -> Reader:
    """The recording of a job, from which a probe can read only so much."""
    if job.chunk is not None:
        return Reader(remote.fetch, job.size)
    return Reader(remote.fetch, job.size, max_read=64 * 1024, budget=job.limits.probe_bytes)


def work(job: wire.Job, reader: Reader, remote: Remote) -> None:
    """Do one job in this process and send its result.

    Raises:
        CallerLostError: the caller is gone.
    """
    found = outcome(job, reader, remote)
    remote.send(found)
    if job.awaits_next and found[:1] == wire.DONE:
        frame = os.read(remote.descriptor, wire.RECEIVE)
        if frame[:1] == wire.NEXT and len(frame) > 1:
            following = msgspec.json.decode(frame[1:], type=wire.Job)
            remote.send(outcome(following, recording(following, remote), remote))


def outcome(job: wire.Job, reader: Reader, remote: Remote) -> bytes:
    """The frame that ends a job, after its samples."""
    try:
        if job.chunk is None or job.audio is None:
            return _found(probe(reader, name=job.name, track=job.track), job)
        result = decode(
            reader,
            job.audio,
            job.chunk,
            track=job.track,
            longest=job.limits.decode_seconds,
            emit=remote.send_samples,
            both=job.both,
        )
        return wire.DONE + msgspec.json.encode(replace(result, warnings=_few(result.warnings)))
    except CallerLostError:
        raise
    except BadMedia as error:
        return _refusal(error.code, str(error))
    except MemoryError:
        return _refusal("limit", MEMORY_MESSAGE)
    except FILES_FAULT as error:
        return _refusal(
            "undecodable",
            f"This file cannot be read ({getattr(error, 'strerror', None) or _what(error)}). It is probably damaged; play it, and if it "
            "plays convert it to another format (for example FLAC) and try again.",
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the owner is told
        return _refusal(
            "internal",
            f"This file could not be read because of a fault in Dropscribe ({_what(error)}); the file may be fine. "
            "Report the fault; until it is fixed, convert the file to another format (for example FLAC) and "
            "try again.",
        )


def _found(info: AudioInfo, job: wire.Job) -> bytes:
    """The frame with what a probe found; a refusal where the header says what no recording has."""
    if info.warnings:
        info = replace(info, warnings=_few(tuple(wire.printable(one) for one in info.warnings)))
    try:
        checks.check_info(info, job)
    except BreachError:
        return _refusal("undecodable", IMPOSSIBLE)
    return wire.DONE + msgspec.json.encode(info)


def _few(warnings: tuple[str, ...]) -> tuple[str, ...]:
    """As many warnings as the caller takes: one that gets more takes the process for compromised."""
    if len(warnings) <= checks.MOST_TEXTS:
        return warnings
    kept = warnings[: checks.MOST_TEXTS - 1]
    return (*kept, f"{len(warnings) - len(kept)} more warnings")


def _what(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]


def _refusal(code: str, message: str) -> bytes:
    return wire.BAD + msgspec.json.encode(wire.Refusal(code=code, message=wire.printable(message)))
