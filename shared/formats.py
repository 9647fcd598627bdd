"""The output files of a recording: one row for each. There is no other list of them.

A new format is a row here and a renderer of its file in `shared/outputs/rendering.py`. The command line, the settings, the
exported copies, the longest name of an output and the guides follow from the rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.errors import BadRequest

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


@dataclass(frozen=True, kw_only=True, slots=True)
class OutputFile:
    """A file of a recording."""

    format: str
    """Name of its format, as in `--format csv`; a format may have several files."""
    name: str
    """File name."""
    use: str
    """What it is for, as in `docs/outputs.md`: you want to …"""
    content_type: str
    """Media type to store it under."""
    is_standard: bool = False
    """Whether every recording has it; the others if its request, or the deployment, asks for them."""
    has_captions: bool = False
    """Whether the layout of captions changes it."""


FILES = (
    OutputFile(
        format="json",
        name="transcript.json",
        use="know everything, or write a program",
        content_type="application/json",
        is_standard=True,
    ),
    OutputFile(
        format="csv",
        name="words.csv",
        use="look at words in a spreadsheet or a data frame",
        content_type="text/csv; charset=utf-8",
        is_standard=True,
    ),
    OutputFile(
        format="csv",
        name="paragraphs.csv",
        use="read along with times, code interviews",
        content_type="text/csv; charset=utf-8",
        is_standard=True,
    ),
    OutputFile(
        format="srt",
        name="transcript.srt",
        use="caption a video in an editor or a player",
        # No media type is registered for SubRip; this is the one in use.
        content_type="application/x-subrip; charset=utf-8",
        is_standard=True,
        has_captions=True,
    ),
    OutputFile(
        format="vtt",
        name="transcript.vtt",
        use="caption a video on a web page",
        content_type="text/vtt; charset=utf-8",
        is_standard=True,
        has_captions=True,
    ),
    OutputFile(
        format="txt",
        name="transcript.txt",
        use="read it, search it, paste it",
        content_type="text/plain; charset=utf-8",
        is_standard=True,
    ),
    OutputFile(
        format="vtt-words",
        name="words.vtt",
        use="highlight each word on a web page as it is spoken",
        content_type="text/vtt; charset=utf-8",
        has_captions=True,
    ),
    OutputFile(
        format="podcast",
        name="podcast.json",
        use="publish the transcript of a podcast",
        content_type="application/json",
    ),
    OutputFile(
        format="md",
        name="transcript.md",
        use="put it into a wiki or a repository",
        content_type="text/markdown; charset=utf-8",
    ),
    OutputFile(
        format="docx",
        name="transcript.docx",
        use="edit it in a word processor",
        content_type="application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    OutputFile(
        format="audacity",
        name="labels.txt",
        use="cut the sound in Audacity",
        content_type="text/plain; charset=utf-8",
    ),
    OutputFile(
        format="textgrid",
        name="words.TextGrid",
        use="study the speech in Praat",
        content_type="text/plain; charset=utf-8",
    ),
    OutputFile(
        format="ctm",
        name="words.ctm",
        use="score the words with `sclite`",
        content_type="text/plain; charset=utf-8",
    ),
    OutputFile(
        format="rttm",
        name="speakers.rttm",
        use="score the speakers with `md-eval`",
        content_type="text/plain; charset=utf-8",
    ),
)
"""All files, in the order in which they are listed everywhere."""

FORMATS = tuple(dict.fromkeys(one.format for one in FILES))
STANDARD = tuple(dict.fromkeys(one.format for one in FILES if one.is_standard))
MORE = tuple(one for one in FORMATS if one not in STANDARD)
BESIDE, PRINTED = "srt", "txt"
"""What stands beside a recording, and what a terminal shows, unless others are asked for."""


def checked(names: Iterable[str]) -> tuple[str, ...]:
    """Some formats, each once, in the order of `FORMATS`.

    Raises:
        BadRequest: names one that does not exist, and those that do.
    """
    wanted = sorted(set(names))
    for name in wanted:
        if name not in FORMATS:
            raise unknown(name)
    return ordered(wanted)


def unknown(name: str) -> BadRequest:
    """That there is no such format, and which there are."""
    return BadRequest(f"There is no format {name!r}. Choose from {', '.join(FORMATS)}.")


def named(text: str | None) -> tuple[str, ...]:
    """The formats in a list that is separated by commas. Raises as `checked`."""
    return checked(_split(text))


def of_recording(*asked: str | None) -> tuple[str, ...]:
    """The formats of a recording: the standard ones, and those of some lists that are separated by commas.

    Names that only a newer version knows are left out: the list was checked when it was given.
    """
    return ordered({*STANDARD}.union(*map(_split, asked)))


def ordered(names: Iterable[str]) -> tuple[str, ...]:
    """The known ones of some names, in the order of `FORMATS`."""
    wanted = set(names)
    return tuple(one for one in FORMATS if one in wanted)


def files_of(names: Iterable[str] | None = None) -> list[OutputFile]:
    """The files of some formats, in the order of `FILES`; None: all. Raises as `checked`."""
    wanted = FORMATS if names is None else checked(names)
    return [one for one in FILES if one.format in wanted]


def file_names(names: Iterable[str] | None = None) -> list[str]:
    """The names of the same."""
    return [one.name for one in files_of(names)]


def formats_of(names: Sequence[str]) -> tuple[str, ...]:
    """The formats of some files, by their names.

    Raises:
        BadRequest: names the file that no format has.
    """
    known = {one.name: one.format for one in FILES}
    for name in names:
        if name not in known:
            raise BadRequest(f"There is no output file {name!r}. Choose from {', '.join(known)}.")
    return ordered(known[name] for name in names)


def with_captions(names: Iterable[str]) -> set[str]:
    """Those of some files that the layout of captions changes."""
    return {one.name for one in FILES if one.has_captions}.intersection(names)


def _split(text: str | None) -> set[str]:
    return {one.strip() for one in (text or "").split(",")} - {""}
