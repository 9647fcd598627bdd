"""Made-up people and what is heard of them: one direction each, and some noise with every voice."""

from __future__ import annotations

import numpy as np

from shared.results import Voice

SIZE = 192


def crowd(count, *, seed=0):
    """Directions of people, nearly at right angles to each other."""
    return [unit(one) for one in np.random.default_rng(seed).normal(size=(count, SIZE))]


def between(one, other, cosine):
    """A direction with a cosine to another one, in the plane of both."""
    one = unit(one)
    beside = unit(other - one * (one @ other))
    return unit(cosine * one + np.sqrt(1 - cosine**2) * beside)


def unit(vector):
    """The same with length 1."""
    return vector / np.linalg.norm(vector)


def voice(person, window, start, seconds=2.0, *, clean=None, noise=0.04, seed=None):
    """What one window hears of a person from `start` on; times in seconds."""
    random = np.random.default_rng([window, round(1000 * start)] if seed is None else seed)
    heard = unit(person + noise * random.normal(size=SIZE))
    turns = ((round(1000 * start), round(1000 * (start + seconds))),)
    clean = seconds if clean is None else clean
    return Voice(window=window, turns=turns, clean=clean, embedding=heard.astype("<f2").tobytes())


def talk(people, order, *, seconds=4.0):
    """A voice for each turn of a conversation, one a window: `order` has the indexes of people."""
    return [voice(people[who], at, at * seconds, seconds) for at, who in enumerate(order)]
