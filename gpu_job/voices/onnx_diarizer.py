"""Voices with ONNX Runtime on the processor, also where a GPU recognises: some 40 core-seconds an hour of sound.

    segment        some windows in one call, which is a fifth faster than one by one
    embed          each local speaker, from frames in which it is alone

Windows share the cores, one thread each.
"""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np

from gpu_job.cores import cores
from gpu_job.speech.transcriber import SAMPLE_RATE
from gpu_job.speech.windowing import floats
from gpu_job.voices import core, features, networks
from gpu_job.weights import speakers
from shared.errors import ModelUnavailable
from shared.results import Voice

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from gpu_job.voices.core import Window
    from gpu_job.voices.networks import Network

TOGETHER = 4
"""Windows of one call of the segmentation: more are no faster."""
MOST_THREADS = 8
"""Each takes some 55 MB while it works."""
ENOUGH = 1.0
"""Seconds alone in what a window answers for that need no more from its edges."""
LEAST = 0.25
"""Seconds alone without which there is no embedding."""
LONGEST = 5.0
"""Seconds alone of which one is made: more costs time and tells no more."""
SHORTEST = SAMPLE_RATE
"""Samples that the segmentation needs; shorter windows are filled up with silence."""
QUIET = 2
"""Steps of 16 bits between the lowest and the highest sample up to which there is no sound, as in `windowing.NOTHING`."""


def load(folder: str = "") -> OnnxDiarizer:
    """Load both networks, downloading them where that is needed; `folder` as for `speakers.locate`.

    Raises:
        ModelUnavailable: says what is missing or damaged, and what to do.
    """
    located = speakers.locate(folder)
    loaded = []
    for path, read in (
        (located.segmentation, networks.load_segmentation),
        (located.embedding, networks.load_embedding),
    ):
        try:
            loaded.append(read(path))
        except Exception as error:
            # The errors of onnxruntime have no common root.
            raise ModelUnavailable(
                f"The network {path} cannot be used to tell speakers apart: "
                f"{str(error).strip().rstrip('.') or type(error).__name__}. To fix it, {located.remedy}."
            ) from error
    return OnnxDiarizer(*loaded, revision=located.revision)


class OnnxDiarizer:
    """Loaded networks; a `Diarizer`.

    `threads` windows are processed at one time; None: one a core. `networks.py` has the two networks.
    """

    def __init__(
        self, segmentation: Network, embedding: Network, *, revision: str, threads: int | None = None
    ) -> None:
        self.revision = revision
        self._segmentation = segmentation
        self._embedding = embedding
        self._pool = ThreadPoolExecutor(threads or min(cores(), MOST_THREADS), thread_name_prefix="voices")

    def diarize(self, samples: NDArray[np.int16], lead: float, owned: float) -> tuple[Voice, ...]:
        """The voices of one chunk, see `Diarizer`."""
        windows = [
            one
            for one in core.windows(len(samples), lead, owned)
            if np.ptp(_piece(samples, one).astype(np.int32)) > QUIET
        ]
        groups = [windows[first : first + TOGETHER] for first in range(0, len(windows), TOGETHER)]
        found = self._pool.map(lambda group: self._group(samples, group, lead), groups)
        return tuple(itertools.chain.from_iterable(found))

    def _group(self, samples: NDArray[np.int16], windows: Sequence[Window], lead: float) -> list[Voice]:
        """The voices of some windows. All have one length: only a chunk of a single window has a shorter one."""
        pieces = [_piece(samples, one) for one in windows]
        active = networks.segment(self._segmentation, [floats(one) for one in pieces])
        return [
            voice
            for window, piece, speaking in zip(windows, pieces, active, strict=True)
            for voice in self._window(window, piece, speaking, lead)
        ]

    def _window(
        self, window: Window, piece: NDArray[np.int16], speaking: NDArray[np.bool_], lead: float
    ) -> list[Voice]:
        times = window.times(len(speaking))
        inside = (times >= window.start) & (times < window.end)
        alone = speaking.sum(axis=1) == 1
        found = []
        for own in speaking.T:
            turns = core.turns(window, own, lead)
            if not turns:
                continue
            chosen = own & alone & inside
            if chosen.sum() * core.FRAME_SECONDS < ENOUGH:
                chosen = own & alone
            embedding, clean = self._embedded(piece, chosen)
            found.append(Voice(window=window.index, turns=turns, clean=clean, embedding=embedding))
        return found

    def _embedded(self, piece: NDArray[np.int16], chosen: NDArray[np.bool_]) -> tuple[bytes, float]:
        """An embedding of the chosen frames of the segmentation, and of how many seconds it is."""
        middles = features.middles(features.count(len(piece)))
        nearest = np.rint((middles - core.FIELD / 2) / core.FRAME).astype(np.intp).clip(0, len(chosen) - 1)
        rows = np.flatnonzero(chosen[nearest])[: round(LONGEST * SAMPLE_RATE / features.HOP)]
        seconds = len(rows) * features.HOP / SAMPLE_RATE
        if seconds < LEAST:
            return b"", 0.0
        embedding = networks.embed(self._embedding, features.log_mel(piece, rows))
        return embedding, round(seconds, 2) if embedding else 0.0


def _piece(samples: NDArray[np.int16], window: Window) -> NDArray[np.int16]:
    """What a window looks at."""
    piece = samples[window.begin : window.begin + core.LENGTH]
    return np.pad(piece, (0, SHORTEST - len(piece))) if len(piece) < SHORTEST else piece
