"""The recordings that are transcribed under faults: some minutes of speech, the same bytes and times in every run."""

from __future__ import annotations

import os

from tests.media import write_media
from tests.speech import talk

NAMES = ("one.wav", "two.m4a", "three.mp3", "four.opus")
SECONDS = 80
CHUNKS = 3
"""Parts of each, at half a minute."""
WRITTEN = 1_750_000_000
"""When they were written, seconds since 1970: the generation of an upload is in its transcript."""


def make(folder, names=NAMES):
    """Write them, or the first of them, into a folder."""
    for number, name in enumerate(names):
        samples, _ = talk(SECONDS, seed=number)
        write_media(folder / name, samples)
        dated(folder / name)


def dated(path, seconds=0):
    """Set when a file was written, counted from `WRITTEN`."""
    os.utime(path, (WRITTEN + seconds, WRITTEN + seconds))
