"""The recordings of the corpus, made by PyAV's encoders from one talk."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np

from tests.audio.clocks import flv, retimed, webm
from tests.audio.media import FORMATS, make
from tests.speech import SpokenWord, talk

SECONDS = 60.0
SEED = 3
"""Of a talk that the demo weights hear without an error."""
NARROW = {"wav-8k", "3gp", "amr"}
"""Formats with 8,000 samples a second: the demo weights never heard a telephone."""
APPENDED = (
    "wav", "rf64", "aiff", "caf", "w64", "au", "voc", "avi", "wma", "m4a", "mov", "mp4-fragmented", "flac", "wavpack", "tta",
)  # fmt: skip
"""Formats of which players hear the first of two files that were concatenated."""
PAUSE = 0.4
"""Seconds between two words from which on what is unknown may begin or end there."""


@dataclass(frozen=True, kw_only=True)
class Case:
    """One recording."""

    name: str
    """Container, and what is special."""
    make: Callable[[], bytes]
    """Its bytes."""
    shift: float = 0.0
    """Seconds by which all words are later than in the talk."""
    repeats: int = 1
    """How often the talk follows itself."""
    lost: tuple[float, float] | None = None
    """Seconds of the talk, from and to, that are not there."""
    pause: tuple[float, float] | None = None
    """A second of the talk, and how many seconds of silence stand there."""
    warned: bool | None = False
    """Whether its owner is warned; None where either is right."""
    most: float = 0.01
    """Highest word error rate."""
    most_off: float = 0.2
    """Largest median difference of the times of words, seconds."""


@cache
def spoken() -> tuple[np.ndarray, tuple[SpokenWord, ...]]:
    """The talk: samples at 16 kHz in [-1, 1], and its words."""
    samples, words = talk(SECONDS, SEED)
    return samples.astype(np.float64) / 32768.0, tuple(words)


@cache
def voice(rate: int, seconds: float) -> np.ndarray:
    """The talk at a rate, as `tests.audio.media.sound` gives its sound; band-limited."""
    samples, _ = spoken()
    count = round(SECONDS * rate)
    spectrum = np.fft.rfft(samples)
    size = count // 2 + 1
    fitted = np.zeros(size, complex)
    fitted[: min(size, len(spectrum))] = spectrum[:size]
    found = np.fft.irfft(fitted, count) * (count / len(samples))
    return np.clip(found, -1, 1)[: round(seconds * rate)]


def _pauses() -> list[float]:
    """The middles of the pauses of the talk."""
    words = spoken()[1]
    return [(a.end + b.start) / 2 for a, b in pairwise(words) if b.start - a.end >= PAUSE]


def unknown(case: Case) -> tuple[float, float]:
    """Where nobody knows what is heard, seconds of the talk: what is lost, up to the pauses around it."""
    if case.lost is None:
        return (0.0, 0.0)
    first = max((one for one in _pauses() if one < case.lost[0]), default=0.0)
    return first, min((one for one in _pauses() if one > case.lost[1]), default=float("inf"))


def expected(case: Case) -> list[SpokenWord]:
    """The words that are to be heard, with their times."""
    found = []
    first, last = unknown(case)
    for number in range(case.repeats):
        for word, start, end in spoken()[1]:
            if first <= (start + end) / 2 < last:
                continue
            later = case.shift + number * SECONDS
            if case.pause and start >= case.pause[0]:
                later += case.pause[1]
            found.append(SpokenWord(word, start + later, end + later))
    return found


def of(name: str, **changes) -> bytes:
    """The talk in one of the formats of `tests.audio.media`."""
    container, codec, options = FORMATS[name]
    given = {**options, "seconds": SECONDS, "wave": voice, **changes}
    return make(container, codec, **given)


def _clock(name: str, times, **right) -> Case:
    return Case(name=f"webm, {name}", make=lambda: webm(times, seconds=SECONDS, wave=voice), **right)


def _wobble(most: int):
    noise = random.Random(5)
    return lambda _, time: max(0, time + noise.randint(-most, most))


def _flipped(name: str, at: float) -> bytes:
    """Half a kilobyte of rubbish at a share of the file."""
    data = bytearray(of(name))
    start = int(len(data) * at)
    data[start : start + 512] = random.Random(1).randbytes(512)
    return bytes(data)


def _containers() -> list[Case]:
    return [
        Case(name=name, make=lambda name=name: of(name), most=0.15 if name in NARROW else 0.01)
        for name in FORMATS
    ]


def _clocks() -> list[Case]:
    middle = 1000 * next(one for one in _pauses() if one > SECONDS / 2)
    back = [
        _clock(
            f"set back by {seconds} s",
            lambda _, t, by=1000 * seconds: t if t < middle else t - by,
            warned=True,
        )
        for seconds in (5, 20, 24)
    ]
    return [
        _clock("counts from 1970", lambda _, time: 1_700_000_000_000 + time),
        _clock("concatenated in the third hour", lambda _, time: 10_800_000 + time),
        _clock("wobbles by 40 ms", _wobble(40)),
        _clock("wobbles by 80 ms", _wobble(80)),
        _clock("comes in bursts", lambda _, time: time - time % 200, most_off=0.3),
        _clock("first stamp wrong", lambda number, time: time if number else 1_800_000),
        _clock("one stamp wrong", lambda number, time: time if number != 1000 else 1_800_000),
        _clock("stamps repeat", lambda number, time: time if number % 90 != 50 else max(0, time - 3000)),
        _clock("paused for 7 s", lambda _, t: t if t < middle else t + 7000, pause=(middle / 1000, 7.0), warned=True),
        *back,
        *(Case(name=f"{name}, sound 3 s late", make=lambda name=name: of(name, late=3.0), shift=3.0)
          for name in ("mkv-video", "mpegts", "mp4-video")),
        *(Case(name=f"{name}, twice in one file", make=lambda name=name: 2 * of(name), repeats=2, warned=True)
          for name in ("webm", "mpegts", "mpeg", "mkv-flac", "flv", "ogg-opus", *APPENDED)),
        *(Case(name=f"{name}, twice in one file", make=lambda name=name: 2 * of(name), repeats=2)
          for name in ("mp3", "aac", "ac3")),
        *_clocks_of_others(middle),
    ]  # fmt: skip


def _clocks_of_others(middle: float) -> list[Case]:
    """What the muxers of other containers take, and what can be written into a file of theirs."""
    kinds = {
        "concatenated in the third hour": (lambda _, time: 10_800_000 + time, {}),
        "wobbles by 10 ms": (_wobble(10), {}),
        "paused for 7 s": (
            lambda _, time: time if time < middle else time + 7000,
            {"pause": (middle / 1000, 7.0), "warned": True},
        ),
    }
    made = [
        Case(
            name=f"{name}, {kind}",
            make=lambda name=name, times=times: retimed(name, times, seconds=SECONDS, wave=voice),
            **right,
        )
        for name in ("m4a", "mkv-flac", "mpegts", "flv", "ogg-opus")
        for kind, (times, right) in kinds.items()
        # An m4a that begins late has an empty edit: that much silence (docs/media.md).
        if (name, kind) != ("m4a", "concatenated in the third hour")
    ]
    made.append(
        Case(
            name="m4a, counts from 1970",
            make=lambda: retimed(
                "m4a", lambda _, time: 1_700_000_000_000 + time, seconds=SECONDS, wave=voice
            ),
            warned=True,
        )
    )
    wrong = {
        "one stamp wrong": (lambda number, time: time if number != 1000 else 1_800_000 + time, {}),
        "comes in bursts": (lambda _, time: time - time % 200, {"most_off": 0.3}),
        "set back by 20 s": (lambda _, time: time if time < middle else time - 20_000, {"warned": True}),
    }
    return made + [
        Case(name=f"flv, {kind}", make=lambda times=times: flv(of("flv"), times), **right)
        for kind, (times, right) in wrong.items()
    ]


def _layouts() -> list[Case]:
    six, eight = tuple(float(one == 3) for one in range(6)), tuple(float(one == 7) for one in range(8))
    return [
        case
        for name in ("wav", "flac", "mkv-flac", "mov")
        for case in (
            Case(name=f"{name}, right only", make=lambda name=name: of(name, gains=(0.0, 1.0))),
            Case(name=f"{name}, opposite", make=lambda name=name: of(name, gains=(1.0, -1.0)), warned=True),
            Case(name=f"{name}, 6 alike", make=lambda name=name: of(name, layout="5.1", gains=(0.5,) * 6)),
            Case(
                name=f"{name}, 3.0 centre", make=lambda name=name: of(name, layout="3.0", gains=(0, 0, 1.0))
            ),
        )
    ] + [
        Case(name="wav, 4th of 6 unnamed", make=lambda: unnamed(of("wav", layout="5.1", gains=six))),
        Case(name="wav, 8th of 8 unnamed", make=lambda: unnamed(of("wav", layout="7.1", gains=eight))),
    ]


def unnamed(data: bytes) -> bytes:
    """A wave file without the names of its channels."""
    at = data.index(b"fmt ") + 8
    return data[: at + 20] + bytes(4) + data[at + 24 :]


def _damage() -> list[Case]:
    return [
        *(Case(name=f"{name}, cut at half", make=lambda name=name: (data := of(name))[: len(data) // 2],
               lost=(SECONDS * 0.46, SECONDS), warned=None if name.startswith(("aac", "mpegts")) else True)
          for name in ("wav", "mp3", "aac", "flac", "webm", "ogg-opus", "mpegts", "mkv-flac")),
        *(Case(name=f"{name}, rubbish in the middle", make=lambda name=name: _flipped(name, 0.5),
               lost=(SECONDS * 0.46, SECONDS * 0.54), warned=None)
          for name in ("mp3", "aac", "flac", "mkv-flac", "m4a", "webm", "ogg-opus", "mpegts")),
        *(Case(name=f"{name}, rubbish behind", make=lambda name=name: of(name) + b"\0rubbish" * 500, warned=None)
          for name in ("wav", "mp3", "m4a", "flac")),
        Case(name="wav, size of a pipe", make=lambda: piped(of("wav"), 0x7FFF_F000)),
        Case(name="wav, largest size", make=lambda: piped(of("wav"), 0xFFFF_FFFF)),
        Case(name="mp3, cover of 300 kB", make=lambda: cover(300_000) + of("mp3")),
    ]  # fmt: skip


def piped(data: bytes, size: int) -> bytes:
    """A wave file whose writer did not know its size."""
    at = data.index(b"data") + 4
    return data[:at] + size.to_bytes(4, "little") + data[at + 4 :]


def cover(size: int) -> bytes:
    """An ID3 tag with a picture, its size as a plain number."""
    picture = b"\0image/jpeg\0\3\0" + b"\x11" * size
    frame = b"APIC" + len(picture).to_bytes(4, "big") + b"\0\0" + picture
    return b"ID3\3\0\0" + len(frame).to_bytes(4, "big") + frame


def every() -> list[Case]:
    """All cases, in the order of the table."""
    return [*_containers(), *_clocks(), *_layouts(), *_damage()]
