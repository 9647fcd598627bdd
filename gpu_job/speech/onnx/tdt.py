"""Greedy decoding of a token-and-duration transducer, all windows of a batch at once.

At an encoder frame, a TDT model (Xu et al. 2023, "Efficient Sequence Transduction by Jointly Predicting Tokens and
Durations", https://arxiv.org/abs/2304.06795) predicts the next token, or blank, and how many frames to advance. Windows
need not stay in step: as in label looping (Bataev et al. 2024, "Label-Looping", https://arxiv.org/abs/2406.06220) each
keeps its own frame, last token and state, so that one call of the network makes one prediction for every window that
has not ended.
"""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gpu_job.speech.words import Tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

State = tuple[NDArray[np.float32], NDArray[np.float32]]
"""Hidden and cell state of the prediction network, each `(layers, windows, width)`."""


class Network(Protocol):
    """Prediction and joint network in one, as NeMo exports them."""

    def __call__(
        self, frames: NDArray[np.float32], tokens: NDArray[np.int32], state: State
    ) -> tuple[NDArray[np.float32], State]:
        """Predict one token and duration for each window.

        Args:
            frames: one encoder frame of each window, `(windows, width)`.
            tokens: the last token of each window, blank at its start, `(windows,)`.
            state: the state before that token.

        Returns:
            Logits of the tokens, blank included, then of the durations, `(windows, tokens + durations)`;
            and the state after that token.
        """


def decode(
    encoded: Sequence[NDArray[np.float32]],
    network: Network,
    start: State,
    *,
    vocabulary: int,
    blank: int,
    max_per_frame: int,
    penalties: NDArray[np.float32] | None = None,
) -> list[Tokens]:
    """Decode every window greedily.

    Args:
        encoded: frames of each window, `(frames, width)`, all of one width.
        network: see `Network`. Duration class i must mean i frames.
        start: state at the start of a window, each `(layers, 1, width)`.
        vocabulary: number of tokens, blank included.
        blank: index of blank.
        max_per_frame: tokens at one frame after which the window is advanced.
        penalties: added to the logits of the tokens, `(windows, vocabulary)`, or `(1, vocabulary)` for all alike; None:
            nothing is.

    Returns:
        The tokens of each window.
    """
    lengths = np.array([len(frames) for frames in encoded], dtype=np.int64)
    windows = np.flatnonzero(lengths)
    if not len(windows):
        return _split([], len(encoded))
    # With all windows end to end, a frame is one index, whatever the lengths, and nothing is padded.
    flat = np.concatenate([frames for frames in encoded if len(frames)])
    ends = np.cumsum(lengths)[windows]
    starts = ends - lengths[windows]

    at = starts.copy()
    last = np.full(len(windows), blank, dtype=np.int32)
    here = np.zeros(len(windows), dtype=np.int64)
    state = (start[0].repeat(len(windows), axis=1), start[1].repeat(len(windows), axis=1))
    emitted: list[tuple[NDArray[Any], ...]] = []

    while len(windows):
        logits, after = network(flat[at], last, state)
        if penalties is not None:
            logits[:, :vocabulary] += penalties if len(penalties) == 1 else penalties[windows]
        tokens = logits[:, :vocabulary].argmax(axis=1)
        steps = logits[:, vocabulary:].argmax(axis=1)
        spoken = tokens != blank

        if spoken.any():
            rows = np.flatnonzero(spoken)
            best = _probability(logits[rows, :vocabulary], tokens[rows])
            emitted.append((windows[rows], tokens[rows], (at - starts)[rows], steps[rows], best))
            last[rows] = tokens[rows]
            for old, new in zip(state, after, strict=True):
                # Blank is no token: only a real one advances the prediction network.
                old[:, rows] = new[:, rows]

        here = np.where(steps > 0, 0, here + spoken)
        stuck = (steps == 0) & (~spoken | (here == max_per_frame))
        here[stuck] = 0
        at += np.where(stuck, 1, steps)

        going = at < ends
        if not going.all():
            windows, starts, ends, at = windows[going], starts[going], ends[going], at[going]
            last, here = last[going], here[going]
            state = (state[0][:, going], state[1][:, going])
    return _split(emitted, len(encoded))


def _probability(logits: NDArray[np.float32], chosen: NDArray[np.int64]) -> NDArray[np.float32]:
    shifted = logits - logits.max(axis=1, keepdims=True)
    np.exp(shifted, out=shifted)
    probability: NDArray[np.float32] = shifted[np.arange(len(chosen)), chosen] / shifted.sum(axis=1)
    return probability


def _split(emitted: Sequence[tuple[NDArray[Any], ...]], windows: int) -> list[Tokens]:
    """Split one list in order of time into one per window."""
    if not emitted:
        return [Tokens.none()] * windows
    owner, ids, frames, durations, confidences = (
        np.concatenate(column) for column in zip(*emitted, strict=True)
    )
    order = np.argsort(owner, kind="stable")
    bounds = np.searchsorted(owner[order], np.arange(windows + 1))
    parts = [order[first:end] for first, end in itertools.pairwise(bounds)]
    return [
        Tokens(
            ids=ids[part].astype(np.int32),
            frames=frames[part].astype(np.int32),
            durations=durations[part].astype(np.int32),
            confidences=confidences[part].astype(np.float32),
        )
        for part in parts
    ]
