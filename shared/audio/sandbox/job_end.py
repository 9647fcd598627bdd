"""How a job of the decoding process ended: a result, or the reason why there is none."""

from __future__ import annotations

import signal
from dataclasses import dataclass

from shared.audio.sandbox import wire
from shared.audio.types import Decoded
from shared.errors import BadMedia
from shared.model import AudioInfo

BREACH = "breach"
"""Code of a refusal of ours: the job did what none does."""


@dataclass(slots=True)
class JobEnd:
    """How a job has ended, as far as is known before its process exits."""

    result: AudioInfo | Decoded | None = None
    """What was found, if anything."""
    refusal: wire.Refusal | None = None
    """Why there is none, in the words of the process."""
    failure: Exception | None = None
    """Failure of the source's own read: then the file is not at fault."""
    levels: bytes = b""
    """How loud both channels are, if that was asked for; see `LevelMeter`."""
    sound: tuple[bytes, bytes] | None = None
    """Their samples, if these were asked for."""
    status: int = 0
    """Exit code of the job, or the negated number of its signal."""

    @property
    def succeeded(self) -> bool:
        """True where there is a result, and nothing went wrong after it."""
        return self.result is not None and self.failure is None and self.refusal is None and self.status == 0

    @property
    def is_breach(self) -> bool:
        """True where nothing is to be believed of what the job has said, not even what it found before."""
        return self.refusal is not None and self.refusal.code == BREACH

    def outcome(self) -> AudioInfo | Decoded:
        """The result, or the reason why there is none, raised."""
        if self.failure is not None:
            raise self.failure
        if self.refusal is not None:
            raise BadMedia(self.refusal.code, self.refusal.message)
        if self.status != 0 or self.result is None:
            raise _crash(self.status)
        return self.result


def _crash(status: int) -> BadMedia:
    """The refusal for a job that ended without a result.

    Args:
        status: exit code, or the negated number of the signal.
    """
    if status == -signal.SIGXCPU:
        return BadMedia(
            "limit",
            "This file takes more processor time than is allowed for a recording. It is probably damaged; "
            "convert it to another format (for example FLAC) and try again.",
        )
    if status == -signal.SIGKILL:
        return BadMedia(
            "limit",
            "The system ended the decoder, most likely because this file takes more memory than is allowed "
            "for a recording. Convert it to another format (for example FLAC) and try again.",
        )
    return BadMedia(
        "undecodable",
        f"This file makes the decoder crash (status {status}). It is probably damaged; convert it to another "
        "format (for example FLAC) and try again.",
    )
