"""The options of a recording: the same names as on the command line, in requests and in an upload's metadata."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypedDict

if TYPE_CHECKING:
    from shared import model


class Options(TypedDict, total=False):
    """What may be chosen for one recording; what is left out, or None, is as the deployment has it."""

    method: str | None
    """`auto`, the method of an engine, such as `parakeet`, or `hybrid`."""
    model: str | None
    """Weights: a name that `dropscribe models list` shows, a folder or a `.nemo` file."""
    language: str | None
    """BCP-47 code of what is spoken, as `en`."""
    track: int | None
    """Index of the audio track, from 0."""
    keyterms: str | Sequence[str] | None
    """Names and terms to listen for; a text has them separated by commas."""
    filler_words: bool
    """Keep `uh` and `um`."""
    diarize: bool
    """Tell speakers apart; so do the four below."""
    min_speakers: int | None
    """Minimum number of speakers, 1 to 50."""
    max_speakers: int | None
    """Maximum number of speakers, 1 to 50; if equal to `min_speakers`, exactly that many."""
    channels: str | None
    """`apart`: the two channels are the speakers; `auto`: they are if they sound like it; `mix`: they are not."""
    speaker_names: str | Sequence[str] | None
    """Names in the order in which they first speak."""
    label: str | None
    """Groups costs in reports."""
    title: str | None
    """What people call the recording, in lists; by default its file's name."""
    caption_width: int | None
    """Characters per caption line, 16 to 100; 42 by default."""
    caption_lines: int | None
    """Lines of a caption, 1 to 3; 2 by default."""
    caption_speed: int | None
    """Reading speed in characters per second, 5 to 50; 17 by default."""


def options_of(given: Options, formats: Sequence[str] | str | None = None) -> model.Options:
    """Options as a deployment takes them.

    Args:
        given: by name.
        formats: more output formats (docs/outputs.md).

    Raises:
        BadRequest: names the option that is wrong or unknown, and what it must be.
    """
    from local.commands.context import checked_options

    plain = {name: _joined(value) for name, value in given.items()}
    return checked_options(**plain, formats=_joined(formats))


def _joined(value: object) -> object:
    """A list as text that is separated by commas, None if it is empty; anything else as it is."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(str, value)) or None
    return value
