"""The commands `dropscribe models …`."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import Annotated

import typer

from local.commands.context import errors
from local.commands.options import AsJson  # noqa: TC001 - Typer reads it at run time

models = typer.Typer(help="Weights: list, download, check, export, measure.", no_args_is_help=True)


@models.command("list")
def models_list(as_json: AsJson = False) -> None:  # noqa: FBT002 - Typer's way to declare a flag
    """Name, licence, languages, size, revision, and where they are."""
    from local.commands import models as command  # noqa: PLC0415 - loads the engine, other commands need not

    with errors():
        raise typer.Exit(command.show_list(as_json=as_json))


@models.command("pull")
def models_pull(
    name: Annotated[str, typer.Argument(help="As `dropscribe models list` shows it.")],
    nemo: Annotated[bool, typer.Option("--nemo", help="The NeMo archive, for GPUs.")] = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Download weights by revision; a download that broke off goes on. Prints where they are."""
    from local.commands import models as command  # noqa: PLC0415 - loads the engine, other commands need not

    with errors():
        raise typer.Exit(command.pull(name, "nemo" if nemo else "onnx"))


@models.command("verify")
def models_verify(
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Weights; all that are here if none is named.", show_default=False),
    ] = None,
) -> None:
    """Compare every file with its SHA-256. The exit code is 1 where one is damaged."""
    from local.commands import models as command  # noqa: PLC0415 - loads the engine, other commands need not

    with errors():
        raise typer.Exit(command.verify(names or []))


@models.command("export-onnx")
def models_export(
    archive: Annotated[Path, typer.Argument(help="A .nemo file, or the name of weights.")],
    out: Annotated[Path, typer.Argument(help="Folder to make.")],
    int8: Annotated[bool, typer.Option("--int8", help="Quantise the weights to 8 bits.")] = False,  # noqa: FBT002 - Typer's way to declare a flag
    sample: Annotated[
        Path | None,
        typer.Option(help="Speech that both forms transcribe, as a proof.", show_default="a bundled one"),
    ] = None,
) -> None:
    """Export a NeMo archive for the processor's engine, and prove that it hears the same."""
    from local.commands import models as command  # noqa: PLC0415 - loads the engine, other commands need not

    with errors():
        raise typer.Exit(command.export_onnx(archive, out, int8=int8, sample=sample))


@models.command("benchmark")
def models_benchmark(
    manifest: Annotated[
        Path,
        typer.Option(help="NeMo manifest, or a folder of LibriSpeech, TED-LIUM or Earnings-21."),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(
            help="Weights by name or path; all that are here if none is named.", show_default=False
        ),
    ] = None,
    language: Annotated[str, typer.Option(help="Of the recordings, for the rules of spelling.")] = "en",
    as_json: AsJson = False,  # noqa: FBT002 - Typer's way to declare a flag
) -> None:
    """Speed, memory and word error rate of every form of some weights, in one run."""
    from local.evaluation import benchmark as command  # noqa: PLC0415 - loads the engine, other commands need not

    with errors():
        raise typer.Exit(command.run(names or [], manifest, language=language, as_json=as_json))
