"""words.vtt: the captions of transcript.vtt with the time of each word, for players that light the spoken one.

A time in the text of a cue (WebVTT, section 4.2.2, "cue timestamp span") lies after the start of the cue, before its end,
and after the times before it. A word that begins with the one before, as engines sometimes say, has none of its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.outputs.printable import NO_NAMES, milliseconds
from shared.outputs.subtitles import escaped, timestamp, voice, vtt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from shared.outputs.captions import Caption
    from shared.results import Word


def words_vtt(
    captions: Sequence[Caption],
    words: Sequence[Word],
    warnings: Sequence[str],
    names: Mapping[int, str] = NO_NAMES,
) -> bytes:
    """The captions as WebVTT with the times of their words, each word in exactly one, those of a speaker in order."""
    speakers = {word.speaker for word in words}
    # Captions of speakers who talk at once take turns.
    spoken = {each: iter([word for word in words if word.speaker == each]) for each in speakers}
    return vtt(captions, (_lines(one, spoken[one.speaker], names) for one in captions), warnings)


def _lines(caption: Caption, spoken: Iterator[Word], names: Mapping[int, str]) -> Iterator[str]:
    last = caption.start
    before = "" if caption.speaker is None else voice(caption.speaker, names)
    for line in caption.lines:
        pieces = []
        for word in _of_line(line, spoken):
            start = milliseconds(word.start)
            text = escaped(word.text)
            if last < start < caption.end:
                text = f"<{timestamp(start)}>{text}"
                last = start
            pieces.append(text)
        yield before + " ".join(pieces)
        before = ""


def _of_line(line: str, spoken: Iterator[Word]) -> Iterator[Word]:
    """The words of a line: it is their texts, joined by spaces."""
    length = -1
    while length < len(line):
        word = next(spoken)
        length += 1 + len(word.text)
        yield word
