"""Options that several commands take, each declared once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from shared.engines import choices
from shared.formats import MORE

if TYPE_CHECKING:
    MethodChoice = str
else:
    # Typer makes a choice of it, from the table of engines.
    MethodChoice = Literal[tuple(choices())]

Method = Annotated[
    MethodChoice | None,
    typer.Option(help="How to transcribe. \\[env: TRANSCRIPTION_METHOD]", show_default=False),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Weights: a name that `dropscribe models list` shows, a folder or a .nemo file. "
        "\\[env: PARAKEET_MODEL_NAME]",
        show_default=False,
    ),
]
Language = Annotated[
    str | None, typer.Option(help="Language of the recordings, e.g. en.", show_default=False)
]
Track = Annotated[
    int | None,
    typer.Option(
        min=0,
        help="Audio track to transcribe, counted from 0, the one that players choose.",
        show_default=False,
    ),
]
Keyterms = Annotated[
    str | None,
    typer.Option(
        help="Names and terms to listen for, separated by commas (Deepgram; Parakeet on a GPU).",
        show_default=False,
    ),
]
FillerWords = Annotated[
    bool, typer.Option("--filler-words", help="Keep filler words such as uh and um (Deepgram).")
]
Diarize = Annotated[bool, typer.Option("--diarize", help="Tell speakers apart.")]
MinSpeakers = Annotated[
    int | None, typer.Option(help="Fewest speakers, if you know; tells them apart.", show_default=False)
]
MaxSpeakers = Annotated[
    int | None,
    typer.Option(
        help="Most speakers, if you know; tells them apart. With the same --min-speakers: exactly that many.",
        show_default=False,
    ),
]
Channels = Annotated[
    Literal["mix", "apart", "auto"] | None,
    typer.Option(
        help="What the two channels of a stereo recording are: apart: one speaker each; auto: that, if they sound "
        "like it; mix: nothing in particular.",
        show_default=False,
    ),
]
SpeakerNames = Annotated[
    str | None,
    typer.Option(
        help="Names of the speakers in the order in which they first speak, separated by commas; tells them apart.",
        show_default=False,
    ),
]
Label = Annotated[
    str | None,
    typer.Option(help="Label to group the cost by in `dropscribe cost --by label`.", show_default=False),
]
Title = Annotated[
    str | None,
    typer.Option(
        help="What the recording is called in lists; otherwise the name of its file.", show_default=False
    ),
]
Formats = Annotated[
    str | None,
    typer.Option(
        "--format",
        "-f",
        help=f"More output formats, separated by commas: some of {', '.join(MORE)}. \\[env: DROPSCRIBE_FORMATS]",
        show_default=False,
    ),
]
CaptionWidth = Annotated[
    int | None, typer.Option(help="Characters in a line of a caption, by default 42.", show_default=False)
]
CaptionLines = Annotated[
    int | None, typer.Option(help="Lines of a caption, by default 2.", show_default=False)
]
CaptionSpeed = Annotated[
    int | None,
    typer.Option(
        help="Characters that people read in a second, by default 17: how long captions stay.",
        show_default=False,
    ),
]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", help="Folder for queue and records. \\[env: DROPSCRIBE_STATE_DIR]", show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but what went wrong.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]
