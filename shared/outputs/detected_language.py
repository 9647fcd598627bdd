"""Which language was spoken, detected from the text, where the weights know several and do not say which. Pure.

py3langid looks at the letters of a text. In the 25 languages of Parakeet it was right for all of 75 sentences of five
words and more, and for 21 of 25 of two or three words. So a short sentence, or one that it is not sure
of, counts as the rest of its recording. It takes half a second and 120 MB to load, and 30 µs for a sentence.
"""

from __future__ import annotations

from collections import Counter
from functools import cache
from typing import TYPE_CHECKING

from shared import languages
from shared.engines import is_hosted
from shared.outputs.printable import clock_time

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from py3langid.langid import LanguageIdentifier

    from shared.outputs.segments import Segment
    from shared.results import Part

SURE = 0.7
"""Probability from which the language of a sentence counts."""
CERTAIN, WORDS = 0.95, 5
"""Probability and words from which a sentence counts as one in another language than was asked for."""
STRAY, SHARE = 10, 0.02
"""Words in such sentences, and their share of all, from which that is worth a warning."""


def among(parts: Iterable[Part]) -> tuple[str, ...]:
    """The languages that may have been spoken, if only the text tells which: those of our weights that know several."""
    several: set[str] = set()
    for part in parts:
        known = () if is_hosted(part.engine) else languages.of_weights(part.model) or ()
        several |= set(known) if len(known) > 1 else set()
    return tuple(sorted(several))


def named(detected: str | None, asked: str | None) -> str | None:
    """How the detected language is written: with script and region as it was asked for; that if none was detected."""
    return asked if detected is None or (asked and languages.primary(asked) == detected) else detected


class Detected:
    """The languages of some sentences.

    `known` are the languages to choose from; none: nothing is told.
    """

    def __init__(self, segments: Sequence[Segment], known: tuple[str, ...]) -> None:
        self._segments = segments
        self._told = [_identifier(known).classify(one.text) for one in segments] if known else []
        # Without a letter that it knows, all languages are equally likely.
        self.most = self._of_most_words(SURE) or self._of_most_words(1.5 / max(1, len(known)))
        """The language of most words; None if unknown."""

    @property
    def each(self) -> list[str | None]:
        """The language of each sentence, as a code; None if unknown."""
        if not self._told:
            return [None] * len(self._segments)
        return [code if sure >= SURE else self.most for code, sure in self._told]

    def warning(self, asked: str | None) -> str:
        """What the owner should know if another language than `asked` (BCP-47) was heard; empty if there is nothing."""
        if not asked or self.most is None or languages.primary(asked) == languages.SEVERAL:
            return ""
        wanted = f"{languages.name(asked)} ({asked})"
        if self.most != languages.primary(asked):
            return (
                f"{wanted} was asked for, but most of the text looks like {languages.listed((self.most,))}. If that is "
                f"right, ask for it (--language {self.most}), or for no language."
            )
        strays: Counter[str] = Counter()
        first = 0.0
        for one, (code, sure) in zip(self._segments, self._told, strict=True):
            if code != self.most and sure >= CERTAIN and one.count >= WORDS:
                first = first if strays else one.start
                strays[code] += one.count
        total = sum(one.count for one in self._segments)
        if strays.total() < max(STRAY, SHARE * total):
            return ""
        found = languages.listed(tuple(sorted(strays, key=lambda code: (-strays[code], code))))
        return (
            f"{wanted} was asked for, but {strays.total():,} of {total:,} words are in sentences that look like {found}, "
            f"the first at {clock_time(first)}."
        )

    def _of_most_words(self, least: float) -> str | None:
        """The language of most words, of the sentences that are told with some probability."""
        counts: Counter[str] = Counter()
        for one, (code, sure) in zip(self._segments, self._told, strict=bool(self._told)):
            if sure > least:
                counts[code] += one.count
        return min(counts, key=lambda code: (-counts[code], code)) if counts else None


@cache
def _identifier(known: tuple[str, ...]) -> LanguageIdentifier:
    from py3langid.langid import MODEL_FILE, LanguageIdentifier  # noqa: PLC0415 - only where weights know several

    found = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    found.set_languages(known)
    return found
