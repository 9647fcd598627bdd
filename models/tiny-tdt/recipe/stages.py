"""What the three stages of training listen to, and how fast they learn.

base    single sentences, sorted into batches by length, seven times through the corpus
long    one to eight sentences joined by pauses: without it the model stops after the first
anneal  the same with slower learning, more single sentences and some cut pauses
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """How one stage learns."""

    after: str | None
    """Stage whose weights it starts from."""
    rate: float
    """Highest learning rate; it rises to this, then falls (one cycle)."""
    warm_up: float
    """Fraction of the steps in which the rate rises."""
    joined: tuple[int, ...] = ()
    """How many sentences to join, each as likely as it is often here; empty: batches by length."""
    pause: tuple[float, float] = (0.0, 0.0)
    """Pause before each sentence, seconds; below nothing is none."""
    ending: tuple[float, float] = (0.0, 0.0)
    """Pause at the end, likewise."""
    seed: int = 1
    """Of order, pauses, gains and noise."""


STAGES = {
    "base": Stage(after=None, rate=3e-3, warm_up=0.1),
    "long": Stage(
        after="base",
        rate=1.5e-3,
        warm_up=0.08,
        joined=(1, 1, 2, 2, 3, 3, 4, 5, 6, 8),
        pause=(0.05, 1.2),
        ending=(0.0, 0.6),
        seed=7,
    ),
    "anneal": Stage(
        after="long",
        rate=6e-4,
        warm_up=0.08,
        joined=(1, 1, 1, 1, 2, 2, 3, 4, 6, 8),
        pause=(-0.25, 1.2),
        ending=(-0.2, 0.6),
        seed=11,
    ),
}
EPOCHS = 7
"""Times that `base` goes through the corpus."""
SENTENCES_A_BATCH = 32
"""In `base`."""
JOINED_STEPS = 2200
"""Batches in `long` and in `anneal`."""
SECONDS_A_BATCH = 130
"""In `long` and `anneal`, at 4.6 s a sentence."""
