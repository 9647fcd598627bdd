"""What the worker asks of a speech recogniser, whichever it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray

    from shared.model import Engine
    from shared.results import Word

SAMPLE_RATE = 16_000
"""Hertz: every recogniser here takes mono audio at this rate."""


class OutOfMemory(Exception):  # noqa: N818 - the field's term
    """These windows do not fit on the accelerator together; fewer or shorter ones may."""


class EngineLost(Exception):  # noqa: N818 - as OutOfMemory
    """The accelerator fails every call of this process from now on; another process may be luckier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceMemory:
    """Memory of an accelerator."""

    total: int
    """Bytes of memory of the card."""
    weights: int
    """Taken by this process while it holds no window, bytes."""
    peak: int
    """Most that this process has taken at one time since the last reading, weights included, bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """What an engine runs on."""

    name: str
    """Its maker's name for it."""
    memory: int
    """Bytes of its own; 0 for a CPU."""
    driver: str
    """The CUDA version that it supports and, if known, its own; empty for a CPU."""
    dtype: str
    """Precision of the weights: `bfloat16`, `float32`."""
    graphs: str
    """How CUDA graphs are used, and if not fully, why."""


class Transcriber(Protocol):
    """Loaded weights that turn windows of audio into words."""

    @property
    def engine(self) -> Engine:
        """Who is paid for it, as in `shared/engines.py`."""

    @property
    def model(self) -> str:
        """Name of the weights, as the caller gave it."""

    @property
    def revision(self) -> str:
        """Exact version of the weights: a commit of the hub, or a digest of the files."""

    @property
    def language(self) -> str | None:
        """BCP-47 code if the weights know one language only, else None."""

    @property
    def batch(self) -> int | None:
        """Windows to give it at one time; None: as many as its memory allows (`gpu_job/pipeline/memory.py`)."""

    @property
    def hears_phrases(self) -> bool:
        """Whether `phrases` make a difference to it."""

    @property
    def device(self) -> Device:
        """What it runs on."""

    def memory(self) -> DeviceMemory | None:
        """Memory of its accelerator; the peak is counted anew from here. None on a CPU."""

    def warm_up(self) -> None:
        """Compile, capture and allocate what the first windows would otherwise wait for."""

    def transcribe(
        self,
        windows: Sequence[NDArray[np.float32]],
        phrases: Sequence[tuple[str, ...]] = (),
        languages: Sequence[str | None] = (),
    ) -> list[tuple[Word, ...]]:
        """Recognise windows, each independently.

        Args:
            windows: each `(samples,)`, mono, 16 kHz, within [-1, 1], at most 30 s long (`windowing.LONGEST`). Longer
                ones are recognised as well, but attention spans the whole window: its memory grows with the square
                of the length, and accuracy is not promised.
            phrases: for each window, words and names to prefer where the audio leaves a choice, see `hears_phrases`;
                empty if no window has any.
            languages: for each window the BCP-47 code of the language that was asked for, whose alphabet alone is
                written, see `alphabets.py`; None if none was, empty if none was for any.

        Returns:
            For each window its words in order; times are seconds from the window's start.

        Raises:
            OutOfMemory: they do not fit together.
            EngineLost: nothing more can be recognised in this process.
        """
