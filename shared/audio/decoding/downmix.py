"""Which channels of a recording are heard, and how loud each: the weights of the mix to mono.

Loudspeakers that the file names are mixed as FFmpeg mixes them (ITU-R BS.775), which leaves out a subwoofer. Channels
without names (microphones of a field recorder, tracks of an editor) all count alike: any of them may be the one with the
voice. Where the channels cancel each other out (one is phase-inverted), only the loudest is used.
"""

from __future__ import annotations

from array import array
from operator import mul
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from av.audio.frame import AudioFrame
    from av.audio.plane import AudioPlane

CODES = {"u8": "B", "s16": "h", "s32": "i", "s64": "q", "flt": "f", "dbl": "d"}
"""Sample formats of FFmpeg as type codes of Python's arrays; a `p` at the end means planar."""
FRAMES, SAMPLES = 8, 192
"""How many of the frames are looked at, and of the samples in all of them."""
REMAINS = 0.3
"""Part of the energy that one voice in one channel leaves in the mean of all; with less, channels cancel each other out."""
NOTHING = 1e-4
"""Energy of all other channels together, of a subwoofer's, below which its channel is a microphone that was named wrongly."""
QUIET = 1e-8
"""Energy of the loudest channel, of full scale, below which nothing is decided: 80 dB below it."""


def is_named(layout: str) -> bool:
    """Whether a layout, by FFmpeg's name of it, says what each channel is."""
    return "channels" not in layout


def only_subwoofer(chosen: Sequence[float], frames: Sequence[AudioFrame]) -> bool:
    """Whether these weights take the channel alone that the frames call a subwoofer."""
    channels = frames[0].layout.channels
    return max(chosen) == 1.0 and any(
        one == 1.0 and channels[at].name == "LFE" for at, one in enumerate(chosen) if at < len(channels)
    )


def weights(frames: Sequence[AudioFrame], channels: int) -> tuple[float, ...] | None:
    """The weight of each channel in some frames that belong together; None where the present ones may stay.

    Args:
        frames: in the same format.
        channels: of each; more than one.

    Returns:
        Equal weights for all channels, or 1 for the loudest alone where the mean of all is far quieter, or where it is
        the subwoofer's and the others are silent: programs that merge three microphones call the third one so.
    """
    energy, mean, count = _energies(frames, channels)
    loudest = max(energy)
    if not count or loudest < QUIET * count:
        return None
    best = energy.index(loudest)
    alone = tuple(1.0 if one == best else 0.0 for one in range(channels))
    others_silent = sum(energy) - loudest < NOTHING * loudest
    if mean < REMAINS / channels**2 * loudest or (others_silent and only_subwoofer(alone, frames)):
        return alone
    return (1 / channels,) * channels


def _energies(frames: Sequence[AudioFrame], channels: int) -> tuple[list[float], float, int]:
    """Sum of squares of each channel and of the mean of all, of full scale, and over how many samples."""
    energy, mean, count = [0.0] * channels, 0.0, 0
    chosen = frames[:: max(1, len(frames) // FRAMES)]
    for frame in chosen:
        code = CODES.get(frame.format.name.removesuffix("p"))
        if code is None:
            continue
        full = 1.0 if code in "fd" else 2.0 ** (8 * array(code).itemsize - 1)
        shift = 128 if code == "B" else 0
        stride = max(1, frame.samples * len(chosen) // SAMPLES) | 1  # odd: no simple tone hides between them
        used = frame.samples * array(code).itemsize
        if frame.format.is_planar:
            # PyAV 18.1 counts pointers up to a null one, which eight channels do not have behind them.
            picked = [_samples(plane, code, used)[::stride].tolist() for plane in frame.planes[:channels]]
        else:
            samples = _samples(frame.planes[0], code, used * channels)
            picked = [samples[one :: stride * channels].tolist() for one in range(channels)]
        if shift:
            picked = [[value - shift for value in one] for one in picked]
        for channel, one in enumerate(picked):
            energy[channel] += sum(map(mul, one, one)) / full**2
        total = list(map(sum, zip(*picked, strict=True)))
        mean += sum(map(mul, total, total)) / (channels * full) ** 2
        count += len(picked[0])
    return energy, mean, count


def _samples(plane: AudioPlane, code: str, length: int) -> memoryview[float]:
    """The samples in the first bytes of a plane."""
    return memoryview(plane)[:length].cast(code)  # type: ignore[call-overload,no-any-return]  # a code of CODES
