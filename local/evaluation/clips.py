"""Stretches of recordings as files of their own, decoded in the sandbox like every recording."""

from __future__ import annotations

import wave
from typing import TYPE_CHECKING

import numpy as np

from shared.audio import Limits, Sandbox
from shared.audio.local_file import decode_whole
from shared.audio.types import SAMPLE_RATE

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from local.evaluation.corpus import Entry

LIMITS = Limits(decode_seconds=24 * 3600.0, timeout_s=3600.0)
"""A recording is held decoded as a whole: 115 MB an hour."""


def files(entries: Sequence[Entry], folder: Path) -> list[Path]:
    """A file for each stretch: the recording itself where the stretch is all of it, else a wav cut from it.

    Entries of the same recording stand together, or it is decoded again.

    Raises:
        BadMedia: a recording cannot be decoded.
    """
    found: list[Path] = []
    last: tuple[Path, NDArray[np.int16]] | None = None
    with Sandbox(LIMITS) as sandbox:
        for number, one in enumerate(entries):
            if one.whole:
                found.append(one.audio)
                continue
            if last is None or last[0] != one.audio:
                last = (one.audio, _decoded(one.audio, sandbox))
            first = round(one.start * SAMPLE_RATE)
            end = None if one.duration is None else first + round(one.duration * SAMPLE_RATE)
            path = folder / f"{number:06}.wav"
            write(path, last[1][first:end])
            found.append(path)
    return found


def decode(path: Path) -> NDArray[np.int16]:
    """A whole recording: `(samples,)`, mono, 16 kHz.

    Raises:
        BadMedia: it cannot be decoded.
    """
    return decode_all([path])[0]


def decode_all(paths: Sequence[Path]) -> list[NDArray[np.int16]]:
    """Whole recordings, each as `decode` gives it, by one process.

    Raises:
        BadMedia: one of them cannot be decoded.
    """
    with Sandbox(LIMITS) as sandbox:
        return [_decoded(path, sandbox) for path in paths]


def write(path: Path, sound: NDArray[np.int16]) -> None:
    """Mono samples at 16 kHz as a wav file."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(SAMPLE_RATE)
        file.writeframes(sound.astype("<i2").tobytes())


def _decoded(path: Path, sandbox: Sandbox) -> NDArray[np.int16]:
    return np.frombuffer(decode_whole(path, sandbox), dtype=np.int16)
