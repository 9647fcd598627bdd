"""espeak-ng as a library, because only the library tells when each word is spoken.

The first sentence of a process has exactly the samples of the `espeak-ng` command, which spoke the
tiny model's training corpus; later ones differ by a few milliseconds, because the library keeps
state. So call it in a new process for each sentence.
"""
# ruff: noqa: INP001 - imported by a script, not in a package

from __future__ import annotations

import ctypes
import functools
import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from synthesis import Speaker

Samples = npt.NDArray[np.int16]

# From espeak-ng/speak_lib.h.
_RETRIEVE_AUDIO = 2
_POSITION_IS_CHARACTER = 1
_UTF8, _PAUSE_AT_END = 0x1, 0x1000
_RATE, _PITCH, _WORD_GAP = 1, 3, 7
_EVENT_LAST, _EVENT_WORD = 0, 1
QUIET = 200
"""Amplitude below which a sample counts as silence."""


class _Event(ctypes.Structure):
    _fields_ = (
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),  # characters, from 1
        ("length", ctypes.c_int),
        ("audio_position", ctypes.c_int),  # milliseconds
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    )


class _Voice(ctypes.Structure):
    _fields_ = (
        ("name", ctypes.c_char_p),
        ("languages", ctypes.c_char_p),
        ("identifier", ctypes.c_char_p),
        ("gender", ctypes.c_ubyte),
        ("age", ctypes.c_ubyte),
        ("variant", ctypes.c_ubyte),
        ("reserved", ctypes.c_ubyte),
        ("score", ctypes.c_int),
        ("spare", ctypes.c_void_p),
    )


_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Spoken:
    """One synthesised sentence."""

    samples: Samples
    """Mono, at `rate`."""
    rate: int
    """Hertz."""
    words: tuple[tuple[float, float], ...]
    """Start and end of each word, seconds; a word ends where the next begins."""


def speak(text: str, speaker: Speaker) -> Spoken:
    """Speak words separated by single spaces.

    Raises:
        OSError: the library is not installed (Debian: `apt install espeak-ng`).
        ValueError: espeak-ng does not know the voice.
    """
    library, rate = _library()
    parts: list[Samples] = []
    starts: dict[int, float] = {}

    @_Callback
    def receive(audio, count, events):  # type: ignore[no-untyped-def]  # noqa: ANN001, ANN202 - ctypes
        if audio and count:
            parts.append(np.ctypeslib.as_array(audio, (count,)).copy())
        index = 0
        while events[index].type != _EVENT_LAST:
            if events[index].type == _EVENT_WORD:
                starts.setdefault(events[index].text_position - 1, events[index].audio_position / 1000)
            index += 1
        return 0

    library.espeak_SetSynthCallback(receive)
    voice = speaker.voice.encode()
    # As the command does: first as the name of a voice, then as a language.
    if library.espeak_SetVoiceByName(voice) and library.espeak_SetVoiceByProperties(
        ctypes.byref(_Voice(languages=voice))
    ):
        raise ValueError(f"espeak-ng has no voice {speaker.voice}")
    for parameter, value in ((_RATE, speaker.speed), (_PITCH, speaker.pitch), (_WORD_GAP, speaker.gap)):
        library.espeak_SetParameter(parameter, value, 0)
    data = text.encode()
    flags = _UTF8 | _PAUSE_AT_END
    library.espeak_Synth(data, len(data) + 1, 0, _POSITION_IS_CHARACTER, 0, flags, None, None)
    library.espeak_Synchronize()
    samples = np.concatenate(parts)
    return Spoken(samples=samples, rate=rate, words=_bounds(text, starts, last_sound(samples) / rate))


def last_sound(samples: Samples) -> int:
    """One past the last sample that is not silence."""
    return int(np.flatnonzero(np.abs(samples.astype(np.int32)) > QUIET)[-1]) + 1


@functools.cache
def _library() -> tuple[ctypes.CDLL, int]:
    library = ctypes.CDLL("libespeak-ng.so.1")
    rate = library.espeak_Initialize(_RETRIEVE_AUDIO, 0, None, 0)
    if rate <= 0:
        raise OSError("espeak-ng did not start: is its espeak-ng-data installed?")
    return library, int(rate)


def _bounds(text: str, starts: dict[int, float], end: float) -> tuple[tuple[float, float], ...]:
    """Times of all words. espeak-ng runs some together (`in the`): shared out by their letters."""
    positions, words, position = [], text.split(" "), 0
    for word in words:
        positions.append(position)
        position += len(word) + 1
    known = sorted((place, time) for place, time in starts.items() if place in positions)
    known.append((len(text) + 1, end))
    places, times = zip(*known, strict=True)
    edges = [float(np.interp(place, places, times)) for place in (*positions, len(text) + 1)]
    return tuple(itertools.pairwise(edges))
