"""Log-mel energies as Kaldi makes them: 80 bands, 25 ms every 10 ms, Povey's window, no dither.

The same as kaldi-native-fbank to 1e-3 in the logarithm, for samples as integers. For a network that was trained on
samples in [-1, 1] they are the same once the mean is subtracted, except below one step of 16 bits; that changed no
figure of `python -m bench speakers`. There is no matrix product, whose threads would spin beside those that recognise
(see `gpu_job/speech/onnx/mel.py`).
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.speech.onnx.mel import LogMel
from gpu_job.speech.transcriber import SAMPLE_RATE

if TYPE_CHECKING:
    from numpy.typing import NDArray

ANALYSIS, HOP, FFT, BANDS = 400, 160, 512, 80
LOWEST = 20.0
"""Hertz at which the first band begins; the last one ends at 8 kHz."""

_PREEMPHASIS = np.float32(0.97)
_FLOOR = np.float32(np.finfo(np.float32).eps)
_POVEY = np.hanning(ANALYSIS).astype(np.float32) ** np.float32(0.85)
_BLOCK = 128


def count(samples: int) -> int:
    """Frames that fit into so many samples."""
    return max(0, (samples - ANALYSIS) // HOP + 1)


def middles(frames: int) -> NDArray[np.float64]:
    """The middle of each frame, in samples from the first."""
    return np.arange(frames, dtype=np.float64) * HOP + ANALYSIS / 2


def log_mel(samples: NDArray[np.int16], rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Some frames only: each depends on its own 25 ms.

    Args:
        samples: `(samples,)`, 16 kHz.
        rows: `(rows,)`, which frames.

    Returns:
        `(rows, 80)`, natural logarithms.
    """
    bank = _bank()
    framed = np.lib.stride_tricks.sliding_window_view(samples, ANALYSIS)[::HOP]
    found = np.empty((BANDS, len(rows)), np.float32)
    for first in range(0, len(rows), _BLOCK):
        frames = framed[rows[first : first + _BLOCK]].astype(np.float32)
        frames -= frames.mean(axis=1, keepdims=True)
        emphasised = frames - _PREEMPHASIS * np.concatenate([frames[:, :1], frames[:, :-1]], axis=1)
        spectrum = np.fft.rfft(emphasised * _POVEY, FFT)
        power = (np.square(spectrum.real) + np.square(spectrum.imag)).astype(np.float32)
        terms = np.ascontiguousarray(power.T).take(bank.bins, axis=0)
        terms *= bank.weights
        np.add.reduceat(terms, bank.starts, axis=0, out=found[:, first : first + len(frames)])
    return np.log(np.maximum(found, _FLOOR)).T


@cache
def _bank() -> LogMel:
    """Triangles that are even on Kaldi's mel scale."""
    edges = np.linspace(_mel(LOWEST), _mel(SAMPLE_RATE / 2), BANDS + 2)
    bins = _mel(np.arange(FFT // 2 + 1) * SAMPLE_RATE / FFT)[:, None]
    rising = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    triangles = np.minimum(rising, falling).clip(0.0)
    triangles[-1] = 0.0  # Kaldi leaves out the highest frequency
    return LogMel.of(triangles.astype(np.float32))


def _mel(hertz: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)
