"""From a corpus to the padded, augmented batches of a stage."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import torch
from stages import EPOCHS, JOINED_STEPS, SECONDS_A_BATCH, SENTENCES_A_BATCH, Stage
from torch import Tensor

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

SAMPLE_RATE = 16_000
SECONDS_A_SENTENCE = 4.6
"""On average, in the order of; sets how many sentences make a batch."""

Audio = npt.NDArray[np.float32]
Example = tuple[Audio, list[int]]
"""Sound (-1 to 1) and its token ids."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Corpus:
    """What `synthesis.py` wrote."""

    utterances: list[npt.NDArray[np.int16]]
    """Samples of each, 16 kHz."""
    tokens: list[list[int]]
    """Token ids of each."""

    def sound(self, index: int) -> Audio:
        """One utterance, -1 to 1."""
        return self.utterances[index].astype(np.float32) / np.float32(32768)


@dataclass(frozen=True, kw_only=True, slots=True)
class Batch:
    """Padded tensors of one step."""

    audio: Tensor
    """(batch, samples)."""
    samples: Tensor
    """(batch,)."""
    labels: Tensor
    """(batch, tokens)."""
    tokens: Tensor
    """(batch,)."""


def load(path: Path, tokenize: Callable[[str], list[int]]) -> Corpus:
    """Read a corpus."""
    with np.load(path) as stored:
        bounds = np.cumsum(stored["n"])[:-1]
        return Corpus(
            utterances=np.split(stored["a"], bounds), tokens=[tokenize(str(text)) for text in stored["t"]]
        )


def steps_of(stage: Stage, corpus: Corpus) -> int:
    """Number of batches in the full stage."""
    if stage.joined:
        return JOINED_STEPS
    return EPOCHS * -(-len(corpus.tokens) // SENTENCES_A_BATCH)


def batches(stage: Stage, corpus: Corpus) -> Iterator[Batch]:
    """Batches without end."""
    choose = random.Random(stage.seed)
    noise = np.random.default_rng(stage.seed)
    return _joined(stage, corpus, choose, noise) if stage.joined else _by_length(corpus, choose, noise)


def _by_length(corpus: Corpus, choose: random.Random, noise: np.random.Generator) -> Iterator[Batch]:
    order = sorted(range(len(corpus.tokens)), key=lambda index: len(corpus.utterances[index]))
    groups = [order[start : start + SENTENCES_A_BATCH] for start in range(0, len(order), SENTENCES_A_BATCH)]

    def example(index: int) -> Example:
        sound = np.pad(corpus.sound(index), (choose.randint(0, 4000), choose.randint(0, 4000)))
        sound = sound * np.float32(10 ** choose.uniform(-0.6, 0.2))
        return _noisy(sound, choose.uniform(-4.0, -1.8), noise), corpus.tokens[index]

    while True:
        choose.shuffle(groups)
        for group in groups:
            yield _padded([example(index) for index in group])


def _joined(
    stage: Stage, corpus: Corpus, choose: random.Random, noise: np.random.Generator
) -> Iterator[Batch]:
    def pause(bounds: tuple[float, float]) -> Audio:
        return np.zeros(int(max(0.0, choose.uniform(*bounds)) * SAMPLE_RATE), np.float32)

    def example(sentences: int) -> Example:
        parts, tokens = [], []
        for _ in range(sentences):
            index = choose.randrange(len(corpus.tokens))
            gain = np.float32(10 ** choose.uniform(-0.5, 0.15))
            parts += [pause(stage.pause), corpus.sound(index) * gain]
            tokens += corpus.tokens[index]
        parts.append(pause(stage.ending))
        return _noisy(np.concatenate(parts), choose.uniform(-4.5, -1.8), noise), tokens

    while True:
        sentences = choose.choice(stage.joined)
        size = max(2, int(SECONDS_A_BATCH / (SECONDS_A_SENTENCE * sentences)))
        yield _padded([example(sentences) for _ in range(size)])


def _noisy(sound: Audio, exponent: float, noise: np.random.Generator) -> Audio:
    return sound + noise.standard_normal(len(sound), dtype=np.float32) * np.float32(10**exponent)


def _padded(examples: list[Example]) -> Batch:
    sounds = [torch.from_numpy(sound) for sound, _ in examples]
    tokens = [torch.tensor(tokens, dtype=torch.long) for _, tokens in examples]
    return Batch(
        audio=torch.nn.utils.rnn.pad_sequence(sounds, batch_first=True),
        samples=torch.tensor([len(sound) for sound in sounds]),
        labels=torch.nn.utils.rnn.pad_sequence(tokens, batch_first=True),
        tokens=torch.tensor([len(one) for one in tokens]),
    )
