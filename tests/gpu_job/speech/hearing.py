"""What tests of the engines have in common."""

from __future__ import annotations

import importlib.util
import itertools

import pytest


def nemo_tests():
    """Marks of tests that need torch and NeMo."""
    missing = importlib.util.find_spec("torch") is None
    return [
        pytest.mark.nemo,
        pytest.mark.skipif(missing, reason="torch is not installed: `make test` installs it"),
        pytest.mark.filterwarnings("ignore"),  # NeMo and what it imports warn about their own affairs
    ]


def text(words):
    return " ".join(word.text for word in words)


def same(ours, theirs):
    assert [text(words) for words in ours] == [text(words) for words in theirs]
    for one, other in zip(itertools.chain(*ours), itertools.chain(*theirs), strict=True):
        assert one.start == pytest.approx(other.start, abs=0.08)
        assert one.end == pytest.approx(other.end, abs=0.08)
        assert one.confidence == pytest.approx(other.confidence, abs=1e-3)


def during(first, then):
    """`then`, as raised while `first` was handled."""
    then.__context__ = first
    return then
