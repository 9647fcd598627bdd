"""What an export says about itself: vocabulary, features and frames, in the layout that onnx-asr reads too."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

BLANK = "<blk>"
SPACE = "▁"
"""How SentencePiece writes the space before a word."""
FEATURE_SECONDS = 0.01
"""Seconds of one column of features."""
FEATURES, SUBSAMPLING, MOST_PER_FRAME = 80, 8, 10
"""Where `config.json` says nothing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Export:
    """The description of a folder with an ONNX export."""

    pieces: tuple[str, ...]
    """Text of each token, blank included; a token that begins a word begins with a space."""
    blank: int
    """Index of blank."""
    features: int
    """Rows of the spectrogram."""
    frame_seconds: float
    """Between two encoder frames."""
    max_per_frame: int
    """Tokens at one frame, at most."""


def read(folder: Path) -> Export:
    """Read the vocabulary and the configuration.

    Raises:
        OSError: one cannot be read.
        ValueError: one is damaged; says what is wrong.
    """
    config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    pieces = _pieces(folder)
    if BLANK not in pieces:
        raise ValueError(f"vocab.txt has no {BLANK}")
    return Export(
        pieces=pieces,
        blank=pieces.index(BLANK),
        features=int(config.get("features_size", FEATURES)),
        frame_seconds=FEATURE_SECONDS * int(config.get("subsampling_factor", SUBSAMPLING)),
        max_per_frame=int(config.get("max_tokens_per_step", MOST_PER_FRAME)),
    )


def _pieces(folder: Path) -> tuple[str, ...]:
    """Each line of `vocab.txt` has a token, a space, and its index."""
    found = {}
    # Only a line feed ends a line: some tokens are other line separators.
    for line in (folder / "vocab.txt").read_text(encoding="utf-8").split("\n"):
        if line:
            token, _, index = line.rpartition(" ")
            found[int(index)] = token.replace(SPACE, " ")
    if sorted(found) != list(range(len(found))):
        raise ValueError("vocab.txt leaves out tokens or names one twice")
    return tuple(found[index] for index in range(len(found)))
