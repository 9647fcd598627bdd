"""Weights that are on disk: what finding them gives, and what loading them takes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True, slots=True)
class Located:
    """Weights that are on disk."""

    path: Path
    """The folder of an ONNX export, which holds `FILES`, or the `.nemo` file."""
    revision: str
    """Commit of the hub, or a digest of the files."""
    language: str | None
    """BCP-47 code if they know one language only."""
    remedy: str
    """What to do if they turn out to be damaged, for the end of a sentence."""
