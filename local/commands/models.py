"""The commands `dropscribe models …`."""

from __future__ import annotations

from functools import partial
from pathlib import Path  # noqa: TC003 - Typer reads it at run time
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from local.commands import weight_files
from local.commands.context import errors
from local.commands.options import AsJson  # noqa: TC001 - Typer reads it at run time
from local.commands.terminal import beside, output, print_json, table

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH = 130
"""Columns of the benchmark's table that is not printed on a terminal."""

app = typer.Typer(
    help="Manage weights: list, download, verify, export and benchmark them.",
    no_args_is_help=True,
    add_completion=False,
)


@app.command("list")
def models_list(*, as_json: AsJson = False) -> None:
    """List weights: name, licence, languages, size, revision and path."""
    with errors():
        raise typer.Exit(weight_files.show_list(as_json=as_json))


@app.command("pull")
def models_pull(
    *,
    name: Annotated[str, typer.Argument(help="Name of the weights, as shown by `dropscribe models list`.")],
    nemo: Annotated[bool, typer.Option("--nemo", help="Download the NeMo archive, for GPUs.")] = False,
) -> None:
    """Download weights by revision and print their path. Resumes a download that broke off."""
    with errors():
        raise typer.Exit(weight_files.pull(name, "nemo" if nemo else "onnx"))


@app.command("verify")
def models_verify(
    *,
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Weights to check; by default all on this disk."),
    ] = None,
) -> None:
    """Compare every file with its SHA-256. The exit code is 1 if one is damaged."""
    with errors():
        raise typer.Exit(weight_files.verify(names or []))


@app.command("export-onnx")
def models_export(
    *,
    archive: Annotated[Path, typer.Argument(help="A .nemo file, or the name of weights.")],
    out: Annotated[Path, typer.Argument(help="Folder to create.")],
    int8: Annotated[bool, typer.Option("--int8", help="Quantise the weights to 8 bits.")] = False,
    sample: Annotated[
        Path | None,
        typer.Option(
            help="Speech that the original and the export both transcribe as a check.",
            show_default="a bundled one",
        ),
    ] = None,
) -> None:
    """Export a NeMo archive for the CPU engine, and check that it gives the same text."""
    with errors():
        raise typer.Exit(weight_files.export_onnx(archive, out, int8=int8, sample=sample))


@app.command("benchmark")
def models_benchmark(
    *,
    manifest: Annotated[
        Path,
        typer.Option(help="NeMo manifest, or a folder of LibriSpeech, TED-LIUM or Earnings-21."),
    ],
    names: Annotated[
        list[str] | None,
        typer.Argument(help="Weights by name or path; by default all on this disk."),
    ] = None,
    language: Annotated[
        str, typer.Option(help="Language of the recordings, which decides the spelling rules.")
    ] = "en",
    as_json: AsJson = False,
) -> None:
    """Measure speed, memory and word error rate of each variant of the weights in one run."""
    from local.evaluation import benchmark  # noqa: PLC0415 - loads numpy and more, the other commands need not

    with errors():
        say = partial(beside(highlight=False).print, markup=False)
        results = benchmark.run(names or [], manifest, language=language, say=say)
        print_json(results) if as_json else _show(results)
        raise typer.Exit(0 if any("speed" in result for result in results) else 1)


def _show(results: Sequence[dict[str, Any]]) -> None:
    console = output(WIDTH)
    figures = ("load", "RTFx", "memory", "GPU", "WER", "95 % interval")
    shown = table("weights", "form", *figures, figures=figures, whole=("form",))
    for one in results:
        if "speed" not in one:
            continue
        low, high = one["interval"]
        shown.add_row(
            one["name"],
            one["form"],
            f"{one['load']:.1f} s",
            f"{one['speed']:,.0f}×",
            f"{one['memory'] / 1e6:,.0f} MB",
            f"{one['accelerator'] / 1e6:,.0f} MB" if one["accelerator"] else "–",
            f"{100 * one['rate']:.2f} %",
            f"{100 * low:.2f}–{100 * high:.2f} %",
        )
    if shown.row_count:
        console.print(shown)
    for one in results:
        if one["obstacle"]:
            console.print(Text(f"{one['name']}, {one['form']}: {one['obstacle']}"), soft_wrap=True)
