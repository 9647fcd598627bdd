"""What the worker asks of a diarizer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from shared.results import Voice


class Diarizer(Protocol):
    """Loaded networks that find the voices of a chunk. May be called from several threads."""

    @property
    def revision(self) -> str:
        """Exact versions of the networks: embeddings of different ones cannot be compared."""

    def diarize(self, samples: NDArray[np.int16], lead: float, owned: float) -> tuple[Voice, ...]:
        """Find the voices of one chunk.

        Args:
            samples: `(samples,)`, mono, 16 kHz, overlap on both sides included.
            lead: seconds of it before the chunk's nominal start; below 0 if it begins later.
            owned: seconds of the chunk between its own bounds.

        Returns:
            For each window its voices, in order; turns lie within the bounds. None where nobody speaks. Equal input
            gives equal output.
        """
