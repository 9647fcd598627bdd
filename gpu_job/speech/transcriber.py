"""What the worker asks of a speech recogniser, whichever one it is."""

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
"""Hertz: every recogniser here hears mono sound at this rate."""


class OutOfMemory(Exception):  # noqa: N818 - the field's term
    """These windows do not fit the accelerator together; fewer or shorter ones may."""


class EngineLost(Exception):  # noqa: N818 - as OutOfMemory
    """The accelerator answers this process no more, whatever it is asked; another process may be luckier."""


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceMemory:
    """Memory of an accelerator."""

    total: int
    """Of the card, bytes."""
    weights: int
    """Taken by this process while no window is there, bytes."""
    peak: int
    """Most that this process took at one time since it was last asked, weights included, bytes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """What an engine runs on."""

    name: str
    """As its maker calls it."""
    memory: int
    """Bytes of its own; 0 for a processor."""
    driver: str
    """The CUDA version it serves and, where known, its own; empty for a processor."""
    dtype: str
    """Precision of the weights: `bfloat16`, `float32`."""
    graphs: str
    """How CUDA graphs are used, and the reason where not fully."""


class Transcriber(Protocol):
    """Loaded weights that turn windows of sound into words."""

    @property
    def engine(self) -> Engine:
        """Who is paid for it."""
        ...

    @property
    def model(self) -> str:
        """Name of the weights, as the caller gave it."""
        ...

    @property
    def revision(self) -> str:
        """Exact version of the weights: a commit of the hub, or a digest of the files."""
        ...

    @property
    def language(self) -> str | None:
        """BCP-47 code where the weights know one language only, else None."""
        ...

    @property
    def batch(self) -> int | None:
        """How many windows it is best given at one time; None leaves that to its memory (`gpu_job/pipeline/memory.py`)."""
        ...

    @property
    def hears_phrases(self) -> bool:
        """Whether `phrases` make a difference to it."""
        ...

    @property
    def device(self) -> Device:
        """What it runs on."""
        ...

    def memory(self) -> DeviceMemory | None:
        """Memory of its accelerator, its peak counted anew from here; None where it runs on the processor."""
        ...

    def warm_up(self) -> None:
        """Compile, capture and allocate what the first windows would otherwise wait for."""
        ...

    def transcribe(
        self, windows: Sequence[NDArray[np.float32]], phrases: Sequence[tuple[str, ...]] = ()
    ) -> list[tuple[Word, ...]]:
        """Recognise windows that have nothing to do with each other.

        Args:
            windows: each `(samples,)`, mono, 16 kHz, within [-1, 1], at most 30 s long (`windowing.LONGEST`). Longer
                ones are recognised as well, but attention spans the whole window: its memory grows with the square
                of the length, and accuracy is not promised.
            phrases: for each window the words and names to prefer where the sound allows them, see
                `hears_phrases`; empty where no window has any.

        Returns:
            For each window its words in order; times are seconds from the window's start.

        Raises:
            OutOfMemory: they do not fit together.
            EngineLost: neither these nor any others can be recognised in this process.
        """
        ...
