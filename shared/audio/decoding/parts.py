"""Decodes one chunk of several recordings that follow one another in a file, each as if it were alone."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Protocol

from shared.audio.files.reader import Reader, part_reader
from shared.audio.types import SAMPLE_RATE, WIDTH, Decoded

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.model import AudioInfo, Chunk


class DecodeOne(Protocol):
    """Decodes a chunk of one recording; what it says of times adds `shift`, seconds."""

    def __call__(
        self, reader: Reader, audio: AudioInfo, chunk: Chunk, *, emit: Callable[[bytes], None], shift: float
    ) -> Decoded:
        """How it went."""


def decode(
    reader: Reader,
    audio: AudioInfo,
    chunk: Chunk,
    *,
    emit: Callable[[bytes], None],
    one: DecodeOne,
    width: int = WIDTH,
) -> Decoded:
    """Decode one chunk of what `shared/audio/probing/concatenated/parts.py` has found.

    `emit` takes 16-bit mono samples at 16 kHz, in order, of `width` bytes; `one` decodes a chunk of one of the parts.
    """
    begin = max(0.0, chunk.start - chunk.lead)
    total = audio.parts[-1].start + audio.parts[-1].duration
    stop = total if chunk.end is None else min(total, chunk.end + chunk.tail)
    out = 0
    warnings: list[str] = []
    for part in audio.parts:
        low, high = max(begin, part.start), min(stop, part.start + part.duration)
        if low >= high:
            continue
        wanted = round((high - begin) * SAMPLE_RATE) - out
        pieces: list[bytes] = []
        done = one(
            part_reader(reader.at, part.first_byte, part.last_byte, header=part.header),
            replace(audio, parts=(), duration=part.duration, origin=part.origin, warnings=()),
            replace(chunk, start=low - part.start, end=high - part.start, lead=0.0, tail=0.0),
            emit=pieces.append,
            shift=part.start,
        )
        warnings += done.warnings
        samples = b"".join(pieces)[: width * wanted]
        emit(samples + bytes(width * wanted - len(samples)))
        out += wanted
    owned = min(stop if chunk.end is None else chunk.end, total) - chunk.start
    return Decoded(start=begin - chunk.start, owned=max(0.0, owned), warnings=tuple(warnings))
