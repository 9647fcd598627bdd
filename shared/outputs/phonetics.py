"""labels.txt for Audacity and words.TextGrid for Praat: what is said when, for people who work on the sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.outputs.printable import NO_NAMES, in_seconds, milliseconds, speaker_label, speaker_name
from shared.outputs.segments import Segment, turns

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from shared.results import Word


def labels_txt(sentences: Sequence[Segment], names: Mapping[int, str] = NO_NAMES) -> bytes:
    """One label a sentence: start and end in seconds and the text, separated by tabs.

    https://manual.audacityteam.org/man/importing_and_exporting_labels.html
    """
    lines, before = [], None
    for one in sentences:
        said = f"{speaker_label(one.speaker, before, names)}{one.text}"
        lines.append(f"{in_seconds(milliseconds(one.start))}\t{in_seconds(milliseconds(one.end))}\t{said}\n")
        before = one.speaker
    return "".join(lines).encode()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Interval:
    start: int
    """Milliseconds."""
    end: int
    """Milliseconds, after `start`."""
    text: str
    """Empty where nothing is said."""


def words_textgrid(
    words: Sequence[Word], sentences: Sequence[Segment], duration: float, names: Mapping[int, str] = NO_NAMES
) -> bytes:
    """Tiers of words and sentences, and one of turns if speakers are told apart; of each speaker where they talk at once.

    Intervals of a tier follow each other without gaps, and none is empty in time: a word that begins before the one
    before it has ended begins at that end, and lasts a millisecond at least. The words are tidy and in order; `duration`
    is that of the recording, seconds. https://www.fon.hum.uva.nl/praat/manual/TextGrid_file_formats.html
    """
    tiers: list[tuple[str, list[_Interval]]] = []
    speakers: list[int | None] = list(dict.fromkeys(one.speaker for one in words))
    at_once = any(one.count <= one.last - one.first for one in sentences)
    for kind, spoken in (("words", words), ("sentences", sentences)):
        for who in speakers if at_once else [None]:
            said = (one for one in spoken if not at_once or one.speaker == who)
            name = kind if who is None else f"{kind} ({speaker_name(who, names)})"
            tiers.append((name, list(_apart((one.start, one.end, one.text) for one in said))))
    if taken := list(_apart((start, end, speaker_name(one, names)) for one, start, end in turns(words))):
        tiers.append(("speakers", taken))
    end = max(1, milliseconds(duration), *(tier[-1].end for _, tier in tiers if tier))
    lines = [
        'File type = "ooTextFile"',
        'Object class = "TextGrid"',
        "",
        "xmin = 0",
        f"xmax = {in_seconds(end)}",
    ]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (name, tier) in enumerate(tiers, start=1):
        intervals = list(_filled(tier, end))
        lines += [
            f"    item [{number}]:",
            '        class = "IntervalTier"',
            f'        name = "{_quoted(name)}"',
        ]
        lines += ["        xmin = 0", f"        xmax = {in_seconds(end)}"]
        lines.append(f"        intervals: size = {len(intervals)}")
        for index, one in enumerate(intervals, start=1):
            lines.append(f"        intervals [{index}]:")
            lines.append(f"            xmin = {in_seconds(one.start)}")
            lines.append(f"            xmax = {in_seconds(one.end)}")
            lines.append(f'            text = "{_quoted(one.text)}"')
    return ("\n".join(lines) + "\n").encode()


def _quoted(text: str) -> str:
    return text.replace('"', '""')


def _apart(spoken: Iterable[tuple[float, float, str]]) -> Iterator[_Interval]:
    free = 0
    for start, end, text in spoken:
        begin = max(milliseconds(start), free)
        free = max(milliseconds(end), begin + 1)
        yield _Interval(start=begin, end=free, text=text)


def _filled(spoken: Sequence[_Interval], end: int) -> Iterator[_Interval]:
    """The intervals with empty ones between them, from 0 to the end."""
    at = 0
    for one in spoken:
        if one.start > at:
            yield _Interval(start=at, end=one.start, text="")
        yield one
        at = one.end
    if at < end:
        yield _Interval(start=at, end=end, text="")
