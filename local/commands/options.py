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


def _option(kind: Any, said: str, *names: str, **more: Any) -> Any:
    """The declaration of an option: the type of its value, and its line of the help."""
    return Annotated[kind, typer.Option(*names, help=said, **more)]


OF_A_RECORDING: dict[str, Any] = {
    "method": _option(MethodChoice | None, "How to transcribe. \\[env: TRANSCRIPTION_METHOD]"),
    "model": _option(
        str | None,
        "Weights: a name that `dropscribe models list` shows, a folder or a .nemo file. \\[env: PARAKEET_MODEL_NAME]",
    ),
    "language": _option(str | None, "Language of the recordings, e.g. en."),
    "track": _option(
        int | None,
        "Audio track to transcribe, counted from 0; by default the one that players choose.",
        min=0,
    ),
    "keyterms": _option(
        str | None, f"Names and terms to listen for, separated by commas ({supported_by('keyterms')})."
    ),
    "filler_words": _option(
        bool, f"Keep filler words such as uh and um ({supported_by('filler_words')}).", "--filler-words"
    ),
    "diarize": _option(bool, "Tell speakers apart.", "--diarize"),
    "min_speakers": _option(int | None, "Minimum number of speakers; implies --diarize."),
    "max_speakers": _option(
        int | None,
        "Maximum number of speakers; implies --diarize. If equal to --min-speakers, exactly that many.",
    ),
    "channels": _option(
        Literal["mix", "apart", "auto"] | None,
        "How to treat stereo: mix (default), apart (one speaker per channel), auto (detect).",
    ),
    "speaker_names": _option(
        str | None,
        "Names of the speakers, comma-separated, in the order in which they first speak; implies --diarize.",
    ),
    "label": _option(str | None, "Label for cost reports (`dropscribe cost --by label`)."),
    "title": _option(str | None, "Title in lists; by default the file name."),
    "caption_width": _option(int | None, "Characters per caption line (default 42)."),
    "caption_lines": _option(int | None, "Lines per caption (default 2)."),
    "caption_speed": _option(
        int | None, "Reading speed in characters/s (default 17); sets how long captions stay on screen."
    ),
    "formats": _option(
        str | None,
        f"More output formats, separated by commas: some of {', '.join(MORE)}. \\[env: DROPSCRIBE_FORMATS]",
        "--format",
        "-f",
    ),
}
"""The options of a recording in the order of `--help`: their names in requests, and their declarations."""

Asked = dict[str, Any]
"""Values of these options by their names."""

StateDir = Annotated[
    Path | None, typer.Option(help="Folder for queue and records. \\[env: DROPSCRIBE_STATE_DIR]")
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Print only warnings and errors.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON on standard output.")]


def of_a_recording(*, without: Sequence[str] = ()) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A command that takes the options of a recording in place of its parameter `asked`, which gets their values.

    It takes all of them but those `without`.
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
