"""What a worker did, for its exit line."""

from __future__ import annotations

from dataclasses import dataclass, field

from gpu_job.peak_memory import Peak
from gpu_job.start_up import StartUp


@dataclass(kw_only=True, slots=True)
class Summary:
    """What a worker did, from its start to its end."""

    audio_seconds: float = 0.0
    """Audio recognised, overlap included."""
    padded_seconds: float = 0.0
    """The same as computed, padding included."""
    busy_seconds: float = 0.0
    """Wall time inside the engine."""
    idle_seconds: float = 0.0
    """Wall time that the engine waited, since it was loaded."""
    batches: int = 0
    """Calls of the engine that succeeded."""
    chunks: int = 0
    """Chunks committed."""
    given_back: int = 0
    """Chunks left for other workers."""
    peak: Peak = field(default_factory=Peak)
    """Most memory that was taken."""
    start_up: StartUp = field(default_factory=StartUp)
    """How long it took to start."""
    ended: str = ""
    """How it ended, in words."""

    @property
    def padding(self) -> float:
        """The share of what was computed that was padding, 0 to 1."""
        return 1.0 - self.audio_seconds / self.padded_seconds if self.padded_seconds else 0.0

    def __str__(self) -> str:
        """One line for the log."""
        return (
            f"{self.audio_seconds / 3600:.2f} audio-hours, {self.chunks} chunks in {self.batches} batches "
            f"({100 * self.padding:.1f} % padding), {self.given_back} given back, start-up: {self.start_up}, "
            f"engine busy {self.busy_seconds:.1f} s, idle {self.idle_seconds:.1f} s, peak {self.peak.size / 1e9:.2f} GB of "
            f"{self.peak.memory} memory; {self.ended}"
        )
