"""The two networks that a diarizer needs, as ONNX files.

Exports differ in the names of inputs and outputs, and in whether the samples of the segmentation have a channel:
`(windows, samples)` or `(windows, 1, samples)`. What a file takes is read from the file.

    segmentation   windows of 10 s -> for each frame a class: nobody, one of three local speakers, or two of them
                   (Bredin, pyannote.audio, https://huggingface.co/pyannote/segmentation-3.0)
    embedding      log-mel energies less their mean -> a vector, alike for one voice
                   (CAM++, Wang et al. 2023, https://arxiv.org/abs/2303.00332)
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime

from gpu_job.speech.onnx.session import open_session
from gpu_job.speech.transcriber import SAMPLE_RATE
from gpu_job.voices import features

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

SIZE = 192
"""Numbers of an embedding."""
FRAMES = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0], [1, 0, 1], [0, 1, 1]], dtype=bool)
"""Which of three local speakers speak in a frame of each class of the segmentation, `(classes, speakers)`."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Network:
    """One network, and how it is called."""

    session: onnxruntime.InferenceSession
    """Loaded."""
    given: str
    """Name of its input."""
    channel: bool
    """Whether the input has an axis for the channel, after the first."""

    def __call__(self, several: NDArray[np.float32]) -> NDArray[np.float32]:
        """Its first output, for inputs in one array along the first axis."""
        if self.channel:
            several = several[:, None]
        found: NDArray[np.float32] = self.session.run(None, {self.given: several})[0]
        return found


def load_segmentation(path: Path) -> Network:
    """Load the segmentation, and try it.

    Raises:
        ValueError: it is another network.
        Exception: those of onnxruntime, which have no common root.
    """
    network = _load(path, 2)
    found = network(np.zeros((1, SAMPLE_RATE), np.float32))
    if found.ndim != FRAMES.ndim + 1 or found.shape[-1] != len(FRAMES):
        raise ValueError(
            f"it gives {found.shape} for a second of silence, and no {len(FRAMES)} classes a frame"
        )
    return network


def load_embedding(path: Path) -> Network:
    """Load the embedding, and try it. Raises as `load_segmentation`."""
    network = _load(path, 3)
    found = network(np.zeros((1, 130, features.BANDS), np.float32))
    if found.shape != (1, SIZE):
        raise ValueError(f"it gives {found.shape} for a piece of sound, and not {SIZE} numbers")
    return network


def segment(network: Network, windows: Sequence[NDArray[np.float32]]) -> NDArray[np.bool_]:
    """Who speaks when in some windows of one length, `(windows, frames, speakers)`."""
    found: NDArray[np.bool_] = FRAMES[network(np.stack(windows)).argmax(axis=-1)]
    return found


def embed(network: Network, energies: NDArray[np.float32]) -> bytes:
    """The embedding of a voice from its log-mel energies, `(frames, 80)`, as `Voice` keeps it; empty if there is no voice."""
    [vector] = network((energies - energies.mean(axis=0))[None])
    length = np.sqrt(np.square(vector).sum())
    if not np.isfinite(length) or not length:
        return b""
    kept: bytes = (vector / length).astype("<f2").tobytes()
    return kept


def _load(path: Path, rank: int) -> Network:
    """A network that takes arrays of this rank, or with an axis for the channel besides."""
    session = open_session(path, 1)
    inputs = session.get_inputs()
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or len(inputs[0].shape) - rank not in {0, 1}:
        taken = ", ".join(f"{one.name} {one.type} {one.shape}" for one in inputs)
        raise ValueError(f"it takes {taken}, and not one array of {rank} or {rank + 1} axes")
    return Network(session=session, given=inputs[0].name, channel=len(inputs[0].shape) > rank)
