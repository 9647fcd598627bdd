"""What the contenders of a contest are asked to do."""

from __future__ import annotations

from dataclasses import dataclass


class MissingError(Exception):
    """What a contender needs is not installed, or it does not do this job; says why."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """What all contenders are to do."""

    kind: str
    """`hours` or `bag`: some long files, or many short ones."""
    model: str
    """Name of weights, or path of a `.nemo` file."""
    device: str
    """`cpu` or `cuda`."""
    files: tuple[str, ...]
    """Wav files, mono, 16 kHz."""
    trial: tuple[str, ...]
    """Shorter ones, or fewer, on which a contender tries its options."""
