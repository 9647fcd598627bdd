"""The encoder of an export: the part of the network that takes nearly all of the time, in one of two forms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

import numpy as np

from gpu_job.speech import packing
from gpu_job.speech.transcriber import SAMPLE_RATE

if TYPE_CHECKING:
    import onnxruntime
    from numpy.typing import NDArray

OUTPUTS = ["outputs", "encoded_lengths"]
INPUTS = ("audio_signal", "length")
"""Names in NeMo's exports."""


class Encoder(Protocol):
    """From features to frames. May be called from several threads."""

    @property
    def precision(self) -> str:
        """Precision of its products, as `Device.dtype` has it."""

    @property
    def together(self) -> int:
        """Samples that it takes in one call at the least cost; short windows share a call."""

    @property
    def call_cost(self) -> float:
        """Samples of padding that one call less is worth, see `packing.pack`."""

    def __call__(
        self, features: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> list[NDArray[np.float32]]:
        """Encode some windows together.

        Args:
            features: `(windows, features, frames)`, padded with zeros.
            lengths: frames of each window, `(windows,)`.

        Returns:
            Encoder frames of each window, `(frames, width)`.
        """


class OnnxEncoder:
    """With ONNX Runtime, in the precision of the export."""

    precision = "as exported"
    together = 16 * SAMPLE_RATE
    """More do not fit the cache and are slower."""
    call_cost = packing.CALL_COST

    def __init__(self, session: onnxruntime.InferenceSession) -> None:
        self._session = session

    def __call__(
        self, features: NDArray[np.float32], lengths: NDArray[np.int64]
    ) -> list[NDArray[np.float32]]:
        """See `Encoder`."""
        encoded, counts = self._session.run(OUTPUTS, dict(zip(INPUTS, (features, lengths), strict=True)))
        return rows(encoded, counts)


def rows(encoded: NDArray[np.float32], counts: NDArray[np.int64]) -> list[NDArray[np.float32]]:
    """A copy of each window's frames, `(frames, width)`, from `(windows, width, frames)`."""
    return [np.ascontiguousarray(one[:, :count].T) for one, count in zip(encoded, counts, strict=True)]
