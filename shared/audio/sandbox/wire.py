"""The frames between the caller and its decoding process, over sockets that preserve their boundaries.

Every frame is one byte for its kind, then the payload. A SOCK_SEQPACKET socket delivers a frame as a whole or
not at all, so a writer that is killed in the middle leaves no partial frame.

There is one socket for the life of the process, which only the process itself holds, and one for every job, which
ends with it: what a job sends can neither end another job nor reach it.

    the process's socket
    caller → process                     process → caller
    JOB     JSON of Job, with the        HELLO   the process is ready
            socket of the job            UNFIT   why it cannot be confined here, text
                                         WRONG   why its FFmpeg will not do, text
                                         EXIT    i32 wait status of the job's process, which is gone

    the job's socket
    caller → job                         job → caller
    NEXT    JSON of Job, or nothing
    ANSWER  u64 length, then as many     READ    u64 offset, u64 length
    BYTES   … of these as it takes       PCM     samples, of three channels if a job asks for both
    ABORT   the source failed            DONE    JSON of AudioInfo or Decoded
                                         BAD     JSON of Refusal
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from shared import in_words
from shared.audio.types import Limits
from shared.model import AudioInfo, Chunk

JOB, NEXT, ANSWER, BYTES, ABORT = b"J", b"N", b"A", b"B", b"X"
HELLO, UNFIT, WRONG, READ, PCM, DONE, BAD, EXIT = b"H", b"U", b"W", b"R", b"P", b"D", b"F", b"E"

FRAME = 64 * 1024
"""Largest payload, bytes: well under the default socket buffer."""
RECEIVE = FRAME + 1
"""What to pass to recv() so that no frame is truncated."""

U64 = struct.Struct("!Q")
RANGE = struct.Struct("!QQ")
STATUS = struct.Struct("!i")

LONGEST_TEXT = 2000
"""Characters of a message or a warning."""


def printable(text: str) -> str:
    """A text of a file's as one line that does nothing to a terminal, and is not too long."""
    return in_words.printable(text)[:LONGEST_TEXT]


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What the child is to do: probe, or decode if `chunk` is set."""

    size: int
    """Bytes of the recording."""
    name: str
    """What the owner calls it, for messages only."""
    track: int
    """Audio track, from 0."""
    limits: Limits
    """What it may use."""
    audio: AudioInfo | None = None
    """What the probe found (to decode)."""
    chunk: Chunk | None = None
    """What to decode."""
    both: bool = False
    """Whether each sample is followed by those of both channels."""
    sound: bool = False
    """Whether the caller keeps these: the process does not look at it."""
    awaits_next: bool = False
    """Probe, then wait for NEXT: what to decode of the same recording, if anything."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Refusal:
    """A BadMedia on its way to the caller."""

    code: str
    """As in BadMedia."""
    message: str
    """As in BadMedia."""
