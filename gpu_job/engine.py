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


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceMemory:
    """Memory of an accelerator."""

    total: int
    """Of the card, bytes."""
    weights: int
    """Taken by this process while no window is there, bytes."""
    peak: int
    """Most that this process took at one time since it was last asked, weights included, bytes."""


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
        """How many windows it is best given at one time; None leaves that to its memory (`gpu_job/memory.py`)."""
        ...

    def memory(self) -> DeviceMemory | None:
        """Memory of its accelerator, its peak counted anew from here; None where it runs on the processor."""
        ...

    def transcribe(self, windows: Sequence[NDArray[np.float32]]) -> list[tuple[Word, ...]]:
        """Recognise windows that have nothing to do with each other.

        Args:
            windows: each `(samples,)`, mono, 16 kHz, within [-1, 1], of any length up to 30 s.

        Returns:
            For each window its words in order; times are seconds from the window's start.
        """
        ...
