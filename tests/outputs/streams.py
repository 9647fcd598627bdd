"""Word streams for the tests of the output files, by hand and by hypothesis."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hypothesis import strategies as st

from shared.model import Decision, StoredObject
from shared.results import Part, Transcript, Word

NASTY = (
    "<b>", "</i>", "<v", "&", "&amp;", "&lt;b&gt;", "-->", "a-->b", "00:00:01,000-->00:00:02,000", "{\\an8}",
    "C:\\New", "\\N", "1", "42", '"quoted"', "'", "a,b", "=1+1", "@SUM(A1)", "+", "-5", "NOTE", "WEBVTT",
    "STYLE", "日本語", "مرحبا", "naïve", "e\u0301", "👩‍👩‍👧", "x" * 43, "y" * 200, "Mr.", "3.5", "e.g.",
)  # fmt: skip
"""Words that mean something to one of the formats, or are hard to fit."""


def word(text: str, start: float, end: float) -> Word:
    return Word(text=text, start=start, end=end, confidence=0.9)


def spoken(
    text: str, *, start: float = 0.0, pace: float = 0.3, pauses: dict[int, float] | None = None
) -> list:
    """The text at `pace` seconds a word without silence, but for `pauses` after the words numbered."""
    words = []
    for index, one in enumerate(text.split()):
        words.append(word(one, start, start + pace))
        start += pace + (pauses or {}).get(index, 0.0)
    return words


def transcript(words, *, warnings: tuple[str, ...] = (), name: str = "talks/a talk.mp3") -> Transcript:
    """A transcript of these words; all its other fields say something."""
    duration = max((one.end for one in words), default=3.0)
    return Transcript(
        recording="abcdefghijklmnopqrstuvwxyz",
        source=StoredObject(bucket="audio", name=name, generation=1_760_000_000_123_456, size=100),
        duration=duration,
        language="en",
        decision=Decision(
            method="parakeet", engine="parakeet-cpu", model="tiny", reason="the method was asked for"
        ),
        parts=(Part(start=0.0, end=duration, engine="parakeet-cpu", model="tiny", revision="r1"),),
        words=tuple(words),
        warnings=warnings,
    )


def _stream(steps: list[tuple[str, float, float]]) -> list[Word]:
    words, now = [], 0.0
    for text, length, silence in steps:
        words.append(word(text, now, now + length))
        now += length + silence
    return words


_plain = st.text(alphabet="abcdefghij", min_size=1, max_size=12)
_punctuated = st.builds(str.__add__, _plain, st.sampled_from(["", "", "", "", ",", ".", "?", "…"]))

ordinary = st.lists(
    st.tuples(_punctuated, st.floats(0.05, 0.8), st.sampled_from([0.0, 0.0, 0.02, 0.1, 0.4, 0.8, 1.5, 3.0])),
    max_size=120,
).map(_stream)
"""Speech as people speak it, fast and slow, with pauses."""

any_stream = st.lists(
    st.tuples(
        st.one_of(_punctuated, st.sampled_from(NASTY)),
        st.one_of(st.just(0.0), st.floats(0, 1), st.floats(0, 20)),
        st.one_of(st.just(0.0), st.floats(-0.3, 0.3), st.floats(0, 10)),
    ),
    max_size=80,
).map(_stream)
"""Whatever an engine might say: words without length, at the same time, overlapping, far apart."""


def said_by(words: list[Word], speakers: list[int | None]) -> list[Word]:
    """The words, each with its speaker; those beyond the list are of the last one."""
    return [replace(one, speaker=speakers[min(index, len(speakers) - 1)]) for index, one in enumerate(words)]


def together(*sides: list[Word]) -> list[Word]:
    """The words of people who talk at once, by time."""
    return sorted(itertools.chain(*sides), key=lambda one: one.start)


def in_turn(words: list[Word]) -> list[Word]:
    """The words, none of which lasts until after the next one has begun."""
    ordered = together(words)
    limits = [one.start for one in ordered[1:]] + [float("inf")]
    return [
        replace(one, end=max(one.start, min(one.end, limit)))
        for one, limit in zip(ordered, limits, strict=False)
    ]


conversation = st.builds(
    said_by, any_stream, st.lists(st.sampled_from([1, 1, 1, 2, 2, 12, None]), min_size=1, max_size=80)
)
"""The same where somebody tells who speaks."""
