"""The accuracy of a transcript: word error rate and its confidence interval, as in the Open ASR Leaderboard.

    normalise   both texts to the same spelling
    score       the fewest substitutions, deletions and insertions that turn one into the other
    interval    the confidence interval of the rate

The normaliser is Whisper's, as published with "Robust Speech Recognition via Large-Scale Weak Supervision"
(Radford et al. 2022, appendix C), which the leaderboard applies to every model.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from shared.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

BLOCK = 50
"""Words of the reference that count as one utterance in a long recording: about 20 s of speech."""
RESAMPLES = 1_000
"""Number of resamples for the interval."""
CONFIDENCE = 0.95
"""Confidence level of the interval."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Errors:
    """Word errors of a hypothesis; two of them can be added."""

    words: int = 0
    """Words of the reference."""
    substitutions: int = 0
    """Words recognised as another word."""
    deletions: int = 0
    """Words missing in the hypothesis."""
    insertions: int = 0
    """Words that are only in the hypothesis."""

    @property
    def total(self) -> int:
        """All three kinds."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def rate(self) -> float:
        """Word error rate; 0 if reference and hypothesis are empty, infinite if only the reference is."""
        if self.words:
            return self.total / self.words
        return float("inf") if self.total else 0.0

    def __add__(self, other: Errors) -> Errors:
        return Errors(
            words=self.words + other.words,
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
        )


def normaliser(language: str = "en") -> Callable[[str], str]:
    """The normaliser that both texts go through before they are compared.

    Args:
        language: BCP-47 code. English has rules for numbers, contractions and spelling; all other languages lose
            case, punctuation and what stands in brackets.

    Raises:
        ConfigurationError: the package with the rules is not installed.
    """
    try:
        if language.split("-", maxsplit=1)[0].lower() == "en":
            from whisper_normalizer.english import (  # noqa: PLC0415 - an optional package, and slow to load
                EnglishTextNormalizer,
            )

            rules: Callable[[str], str] = EnglishTextNormalizer()
        else:
            from whisper_normalizer.basic import BasicTextNormalizer  # noqa: PLC0415 - see above

            rules = BasicTextNormalizer()
    except ImportError as error:
        raise ConfigurationError(missing("whisper-normalizer")) from error
    return functools.partial(_apply, rules)


def score(reference: str, hypothesis: str, *, block: int = BLOCK) -> list[Errors]:
    """Errors of one recording, utterance by utterance; their sum is the recording's.

    A long recording is cut, after it was aligned as a whole, into blocks of the reference's words, so that its
    errors can be drawn anew as those of short utterances can. An inserted word counts in the block of the word
    that it stands before.

    Args:
        reference: what was said, normalised.
        hypothesis: what was written, normalised.
        block: words of a block at most.

    Raises:
        ConfigurationError: the package that aligns is not installed.
    """
    said, written = reference.split(), hypothesis.split()
    count = max(1, -(-len(said) // block))
    tally = np.zeros((count, 3), dtype=np.int64)

    def at(word: int) -> int:
        return min(word * count // max(1, len(said)), count - 1)

    for kind, a, b, c, d in changes(said, written):
        both = min(b - a, d - c)
        for word in range(a, a + both):
            tally[at(word), 0] += kind == "replace"
        for word in range(a + both, b):
            tally[at(word), 1] += 1
        tally[at(b), 2] += d - c - both
    sizes = np.bincount([at(word) for word in range(len(said))], minlength=count)
    return [
        Errors(words=int(size), substitutions=int(row[0]), deletions=int(row[1]), insertions=int(row[2]))
        for size, row in zip(sizes, tally, strict=True)
    ]


def changes(said: Sequence[str], written: Sequence[str]) -> list[tuple[str, int, int, int, int]]:
    """A shortest way from one list of words to another (Levenshtein), as runs of `equal`, `replace`, `delete`, `insert`.

    Returns:
        (kind, first and one past the last word said, first and one past the last word written), in order.

    Raises:
        ConfigurationError: the package that aligns is not installed.
    """
    try:
        from rapidfuzz.distance import Levenshtein  # noqa: PLC0415 - an optional package
    except ImportError as error:
        raise ConfigurationError(missing("rapidfuzz")) from error
    return [
        (one.tag, one.src_start, one.src_end, one.dest_start, one.dest_end)
        for one in Levenshtein.opcodes(said, written)
    ]


def interval(utterances: Sequence[Errors], *, seed: int = 0) -> tuple[float, float]:
    """Bootstrap percentile interval of the word error rate, over utterances (Bisani and Ney, ICASSP 2004).

    Args:
        utterances: errors of each.
        seed: another seed draws others.

    Returns:
        Lower and upper bound, as rates.
    """
    used = [one for one in utterances if one.words or one.total]
    if not used:
        return 0.0, 0.0
    totals = np.array([one.total for one in used])
    words = np.array([one.words for one in used])
    random = np.random.default_rng(seed)
    rates = np.empty(RESAMPLES)
    for draw in range(RESAMPLES):
        chosen = random.integers(0, len(used), len(used))
        rates[draw] = totals[chosen].sum() / max(1, words[chosen].sum())
    low, high = np.quantile(rates, ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    return float(low), float(high)


def total(utterances: Iterable[Errors]) -> Errors:
    """The sum."""
    return sum(utterances, Errors())


def missing(package: str) -> str:
    """What to say where an optional package is not installed."""
    return (
        f"The package {package} is not installed, which word error rates and int8 exports need. Install it with "
        "`pip install 'dropscribe[models]'` (in a clone: `.venv/bin/pip install -e '.[models]'`)."
    )


def _apply(rules: Callable[[str], str], text: str) -> str:
    return " ".join(rules(text).split())
