"""NeMo's log-mel features in single precision, in blocks that stay in the CPU's cache.

The same numbers as NeMo's `AudioToMelSpectrogramPreprocessor` (per-feature normalisation, no dither) to 1e-3. Alone on
one core, onnx-asr's own front end is as fast. It is a matrix product that is in the way: numpy hands it to OpenBLAS,
whose threads spin beside those that run the encoder. With onnx-asr 0.12 and the demo weights, the whole engine takes
1.1 times as long on one core, and 1.8 to 1.9 times on two busy ones; of weights of 0.6 billion parameters the front end
is less than 1 %. A mel filter is a short band of frequencies, so a weighted sum over bands needs no matrix product.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpu_job.speech.transcriber import SAMPLE_RATE

HOP = 160
"""Samples between two frames: 10 ms."""
FFT = 512
"""Samples of one transform."""
ANALYSIS = 400
"""Samples of the Hann window: 25 ms."""

_PREEMPHASIS = np.float32(0.97)
_GUARD = np.float32(2.0**-24)
_EPSILON = np.float32(1e-5)
_BLOCK = 128
# Times what `norm="forward"` divides by: without that, numpy transforms in double precision, at twice the cost.
_HANN = (FFT * np.pad(np.hanning(ANALYSIS), (FFT - ANALYSIS) // 2)).astype(np.float32)


@dataclass(frozen=True, kw_only=True, slots=True)
class LogMel:
    """Features of one window of audio, for one filter bank."""

    bins: NDArray[np.intp]
    """Frequencies of the first filter's band, then of the second's …"""
    weights: NDArray[np.float32]
    """Weight of each of `bins`, `(bins, 1)`."""
    starts: NDArray[np.intp]
    """Where in `bins` each filter's band starts."""

    @classmethod
    def of(cls, filters: NDArray[np.float32]) -> LogMel:
        """From a filter bank as a matrix, `(257, features)`."""
        bins: list[int] = []
        starts: list[int] = []
        owners: list[int] = []
        for number, column in enumerate(filters.T):
            heard = np.flatnonzero(column)
            # A filter without weights still needs one term, a zero, or `reduceat` would give it its neighbour's.
            band = range(heard[0], heard[-1] + 1) if len(heard) else range(1)
            starts.append(len(bins))
            bins += band
            owners += [number] * len(band)
        return cls(
            bins=np.array(bins, dtype=np.intp),
            weights=filters[bins, owners].astype(np.float32)[:, None],
            starts=np.array(starts, dtype=np.intp),
        )

    @classmethod
    def slaney(cls, features: int) -> LogMel:
        """NeMo's filter bank of that many features: `librosa.filters.mel` in Slaney's form, up to 8 kHz, areas of 1."""
        edges = _hertz(np.linspace(0.0, _mel(SAMPLE_RATE / 2), features + 2))
        bins = np.linspace(0.0, SAMPLE_RATE / 2, FFT // 2 + 1)[:, None]
        rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
        falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
        triangles = np.maximum(0.0, np.minimum(rising, falling)) * 2.0 / (edges[2:] - edges[:-2])
        return cls.of(triangles.astype(np.float32))

    def __call__(self, samples: NDArray[np.float32], out: NDArray[np.float32]) -> None:
        """Normalised log-mel energies: mean 0 and deviation 1 in each row.

        Args:
            samples: `(samples,)`, mono, 16 kHz, at least two hops long.
            out: receives them, `(features, samples // HOP)`: a frame for every whole hop.
        """
        frames = out.shape[1]
        padded = np.zeros(len(samples) + FFT, dtype=np.float32)
        middle = padded[FFT // 2 : FFT // 2 + len(samples)]
        middle[0] = samples[0]
        np.subtract(samples[1:], _PREEMPHASIS * samples[:-1], out=middle[1:])
        framed = np.lib.stride_tricks.sliding_window_view(padded, FFT)[: frames * HOP : HOP]

        block = np.empty((_BLOCK, FFT), dtype=np.float32)
        for first in range(0, frames, _BLOCK):
            count = min(_BLOCK, frames - first)
            np.multiply(framed[first : first + count], _HANN, out=block[:count])
            spectrum = np.fft.rfft(block[:count], norm="forward")
            power = np.square(spectrum.real)
            power += np.square(spectrum.imag)
            terms = np.ascontiguousarray(power.T).take(self.bins, axis=0)
            terms *= self.weights
            np.add.reduceat(terms, self.starts, axis=0, out=out[:, first : first + count])
        out += _GUARD
        np.log(out, out=out)
        out -= out.mean(axis=1, keepdims=True)
        deviation = np.sqrt(np.square(out).sum(axis=1, keepdims=True) / np.float32(frames - 1))
        out /= deviation + _EPSILON


def _mel(hertz: float) -> float:
    """Slaney's scale (Auditory Toolbox, 1998): linear to 1 kHz, then 27 steps for each factor of 6.4."""
    return 3 * hertz / 200 if hertz < 1000 else 15 + 27 * math.log(hertz / 1000) / math.log(6.4)


def _hertz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(mel < 15, 200 * mel / 3, 1000 * np.exp(math.log(6.4) / 27 * (mel - 15)))
