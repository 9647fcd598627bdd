"""Find weights, with a progress bar while they are downloaded or checked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from rich import progress as rich_progress
from rich.progress import (
    BarColumn,
    DownloadColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from gpu_job import loading
from gpu_job.weights import lookup, speakers
from gpu_job.weights.catalogue import Kind, by_name
from local.backend import remembered
from shared.engines import hosted_specs
from shared.errors import ModelUnavailable
from shared.in_words import human_size
from shared.routing import eligible, flags, weights

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rich.console import Console

    from gpu_job.weights.located import Located
    from local.backend.embedded_ports import LocalPorts
    from shared.model import Options
    from shared.ports import Ports
    from shared.settings import Settings

    Advance = Callable[[str, int, int | None], None]
    """Is told the name of a file, how many bytes of it are here, and how many there are; None: unknown."""

WORTH_A_LINE = 20_000_000
"""Bytes of a file whose download takes noticeable time."""


def locate(name: str, console: Console, kind: Kind = "onnx") -> Located:
    """`weights.locate`, with a bar for each file that is downloaded.

    Raises:
        ModelUnavailable: says what is missing and what to do.
    """
    with bars(console) as advance:
        return lookup.locate(name, kind, progress=advance)


def locate_all(name: str, options: Options, settings: Settings, advance: Advance) -> None:
    """Make sure that weights are on this disk, with those for speakers if the options ask for speakers.

    Raises:
        ModelUnavailable: says what is missing and what to do.
    """
    lookup.locate(name, loading.form(settings, name), progress=advance)
    if options.diarize:
        speakers.locate(settings.speaker_weights, progress=advance)


def missing(options: Options, ports: LocalPorts) -> str:
    """What to tell of weights that a recording needs and that are not on this machine yet; empty if they are.

    Where a hosted engine is set up, it may do without them.

    Raises:
        ModelUnavailable: there are no such weights.
    """
    settings = remembered.as_up(ports.settings, ports.records)
    name = weights.named(options, settings).model
    if name is None or options.diarize:
        return ""
    kind = loading.form(settings, name)
    known = by_name(name)
    if known is None:
        lookup.locate(name, kind)
        return ""
    release = known.release(kind)
    if release.repository is None or release.on_disk() is not None:
        return ""
    return (
        f"The weights {name} are not on this machine yet: {human_size(release.size)} are downloaded first, or now with "
        f"`dropscribe models pull {name}`."
    )


def locate_or_do_without(
    name: str, options: Options, ports: Ports, console: Console, *, quiet: bool = False
) -> bool:
    """Make sure that weights are on this disk, with those for speakers if the options ask for speakers.

    Returns:
        False if they are not and another engine may take over their work.

    Raises:
        ModelUnavailable: they are not, and no other engine may take over.
    """
    try:
        with bars(console, quiet=quiet) as advance:
            locate_all(name, options, ports.settings, advance)
    except ModelUnavailable as error:
        do_without(error, options, ports, console)
        return False
    return True


def do_without(error: ModelUnavailable, options: Options, ports: Ports, console: Console) -> None:
    """Say that another engine takes over the work of some weights, if one may.

    Raises:
        ModelUnavailable: `error`, if no other engine may take over.
    """
    console.print(who_instead(error, options, ports), markup=False, highlight=False)


def who_instead(error: ModelUnavailable, options: Options, ports: Ports) -> str:
    """Who takes over the work of some weights, in a sentence after that of the error.

    Raises:
        ModelUnavailable: `error`, if no other engine may take over.
    """
    settings = flags.read(ports).applied(ports.settings)
    others = eligible.allowed(options, settings, ports.engines)
    hosted = hosted_specs((*others.engines, *others.whole))
    if not settings.enable_fallback or not hosted:
        raise error
    return f"{error} {hosted[0].in_sentences} transcribes instead."


@contextlib.contextmanager
def bars(console: Console, *, quiet: bool = False) -> Iterator[Advance]:
    """A function that draws a bar for each file: it takes its name, the bytes that are here, and those of the whole file.

    If the output is not a terminal, it prints a line for each large one; if it is to be quiet, nothing. None: the
    size is unknown.
    """
    tasks: dict[str, TaskID] = {}
    columns = (BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    name_column = TextColumn("{task.description}", markup=False)
    with rich_progress.Progress(
        name_column, *columns, console=console, disable=quiet or not console.is_terminal
    ) as shown:

        def advance(file: str, done: int, total: int | None) -> None:
            if file not in tasks:
                tasks[file] = shown.add_task(file, total=total)
                if total is not None and total >= WORTH_A_LINE and not (quiet or console.is_terminal):
                    console.print(f"{file}: {total / 1e6:,.0f} MB", markup=False, highlight=False)
            shown.update(tasks[file], completed=done)

        yield advance
