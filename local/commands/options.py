"""Options that several commands take, each declared once. Those of a recording: `of_a_recording`."""

from __future__ import annotations

import functools
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, get_args, get_type_hints

import typer

from shared.engines import choices, supported_by
from shared.formats import MORE

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    MethodChoice = str
else:
    # Typer makes a choice of it, from the table of engines.
    MethodChoice = Literal[tuple(choices())]

OF_A_RECORDING: dict[str, Any] = {
    "method": Annotated[
        MethodChoice | None,
        typer.Option(help="How to transcribe. \\[env: TRANSCRIPTION_METHOD]", show_default=False),
    ],
    "model": Annotated[
        str | None,
        typer.Option(
            help="Weights: a name that `dropscribe models list` shows, a folder or a .nemo file. "
            "\\[env: PARAKEET_MODEL_NAME]",
            show_default=False,
        ),
    ],
    "language": Annotated[
        str | None, typer.Option(help="Language of the recordings, e.g. en.", show_default=False)
    ],
    "track": Annotated[
        int | None,
        typer.Option(
            min=0,
            help="Audio track to transcribe, counted from 0; by default the one that players choose.",
            show_default=False,
        ),
    ],
    "keyterms": Annotated[
        str | None,
        typer.Option(
            help=f"Names and terms to listen for, separated by commas ({supported_by('keyterms')}).",
            show_default=False,
        ),
    ],
    "filler_words": Annotated[
        bool,
        typer.Option(
            "--filler-words",
            help=f"Keep filler words such as uh and um ({supported_by('filler_words')}).",
        ),
    ],
    "diarize": Annotated[bool, typer.Option("--diarize", help="Tell speakers apart.")],
    "min_speakers": Annotated[
        int | None,
        typer.Option(help="Minimum number of speakers; implies --diarize.", show_default=False),
    ],
    "max_speakers": Annotated[
        int | None,
        typer.Option(
            help="Maximum number of speakers; implies --diarize. Same as --min-speakers: exactly that many.",
            show_default=False,
        ),
    ],
    "channels": Annotated[
        Literal["mix", "apart", "auto"] | None,
        typer.Option(
            help="How to treat stereo: mix (default), apart (one speaker per channel), auto (detect).",
            show_default=False,
        ),
    ],
    "speaker_names": Annotated[
        str | None,
        typer.Option(
            help="Names of the speakers, comma-separated, in the order in which they first speak; implies --diarize.",
            show_default=False,
        ),
    ],
    "label": Annotated[
        str | None,
        typer.Option(help="Label for cost reports (`dropscribe cost --by label`).", show_default=False),
    ],
    "title": Annotated[
        str | None,
        typer.Option(
            help="Title in lists; by default the file name.",
            show_default=False,
        ),
    ],
    "caption_width": Annotated[
        int | None,
        typer.Option(help="Characters per caption line (default 42).", show_default=False),
    ],
    "caption_lines": Annotated[
        int | None, typer.Option(help="Lines per caption (default 2).", show_default=False)
    ],
    "caption_speed": Annotated[
        int | None,
        typer.Option(
            help="Reading speed in characters per second (default 17); sets how long captions stay.",
            show_default=False,
        ),
    ],
    "formats": Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            help=f"More output formats, separated by commas: some of {', '.join(MORE)}. \\[env: DROPSCRIBE_FORMATS]",
            show_default=False,
        ),
    ],
}
"""The options of a recording in the order of `--help`: their names in requests, and their declarations."""

Asked = dict[str, Any]
"""Values of these options by their names."""

StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir", help="Folder for queue and records. \\[env: DROPSCRIBE_STATE_DIR]", show_default=False
    ),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings and errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def of_a_recording(*, without: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command that takes the options of a recording in place of its parameter `asked`, which gets their values.

    Args:
        without: names of those that it does not take.
    """
    taken = {name: one for name, one in OF_A_RECORDING.items() if name not in without}

    def taking(command: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(command)
        def called(**given: Any) -> None:
            asked = {name: given.pop(name) for name in taken}
            command(**given, asked=asked)

        hints = get_type_hints(command, include_extras=True)
        parameters: list[Parameter] = []
        for one in signature(command).parameters.values():
            if one.name == "asked":
                parameters += [
                    # A flag is off, and anything else is not given.
                    one.replace(
                        name=name,
                        annotation=declared,
                        default=False if get_args(declared)[0] is bool else None,
                    )
                    for name, declared in taken.items()
                ]
            else:
                parameters.append(one.replace(annotation=hints[one.name]))
        # Typer reads both.
        called.__signature__ = Signature(parameters)  # type: ignore[attr-defined]  # `inspect` looks for it
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        return called

    return taking
