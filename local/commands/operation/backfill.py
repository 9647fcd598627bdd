"""`dropscribe backfill`: have existing objects transcribed that have no recording yet."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from local import exit_codes
from local.backend.embedded_ports import LocalPorts
from local.commands import options
from local.commands.audio import inputs
from local.commands.context import deployment, errors, options_or_none, say_if_nothing_runs
from local.commands.operation.agreement import settled
from local.commands.terminal import beside, output, print_json, say
from shared import concurrency
from shared.audio.containers import SUFFIXES
from shared.errors import BadRequest, DropscribeError, NewerVersion, Permanent, StoreUnavailable
from shared.flow import backfill
from shared.in_words import broken_off, counted, dollars, human_duration, human_size, printable
from shared.model import Options, StoredObject
from shared.state import audit, uploads

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shared.flow.backfill import Estimate
    from shared.ports import Ports

READERS = 16
"""Objects that are looked up at one time."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Found:
    """What there is at the place."""

    new: tuple[StoredObject, ...]
    """Objects without a recording."""
    known: int
    """Objects with one."""
    others: int
    """Objects that do not look like media."""


@options.of_a_recording(without=("speaker_names", "title"))
def command(
    *,
    place: Annotated[str, typer.Argument(help="gs://bucket/prefix, or a folder on this machine.")],
    per_minute: Annotated[int, typer.Option(min=1, help="Maximum requests per minute.")] = 600,
    probes: Annotated[
        int, typer.Option("--probe", min=0, help="Objects to probe to estimate length and cost.")
    ] = 20,
    any_name: Annotated[
        bool,
        typer.Option(
            "--any-name", help="Include objects that do not look like audio or video by name and type."
        ),
    ] = False,
    asked: options.Asked,
    yes: options.Yes = False,
    as_json: options.AsJson = False,
    state_dir: options.StateDir = None,
) -> None:
    """Transcribe existing files that have no transcript yet. Safe to stop and run again."""
    with errors(), deployment(state_dir, begin=True) as ports:
        given = options_or_none(**asked)
        found = look(place, given, ports, any_name=any_name)
        estimate = backfill.estimate(found.new, given, ports, probes if found.new else 0)
        sent, goes_on, waits = 0, False, False
        if found.new:
            goes_on = settled(_told(found, estimate), len(found.new), yes=yes)
        if goes_on:
            audit.note("backfill", [uploads.key_of(one) for one in found.new], ports)
            sent = _send(found.new, given, per_minute, ports)
            waits = say_if_nothing_runs(ports)
        if as_json:
            report = {
                "new": len(found.new),
                "with_recording": found.known,
                "not_media": found.others,
                "bytes": sum(one.size for one in found.new),
                "probed": estimate.probed,
                "expected_seconds": estimate.seconds,
                "expected_usd": estimate.usd,
                "asked": sent,
            }
            print_json(report)
        elif not found.new:
            output().print(
                f"Nothing to do: {counted(found.known, 'object')} with a recording, {found.others} that are not media.",
                highlight=False,
            )
        elif sent == len(found.new):
            output().print(
                f"Requested {counted(sent, 'transcript')}. Follow with `dropscribe status`.", highlight=False
            )
        if goes_on and sent < len(found.new):
            say(f"Stopped after {sent} of {len(found.new)}. Run it again to continue.")
            raise typer.Exit(exit_codes.STOPPED)
        if sent < len(found.new):
            raise typer.Exit(exit_codes.INCOMPLETE)
        raise typer.Exit(exit_codes.UNAVAILABLE if waits else exit_codes.DONE)


def look(place: str, options: Options | None, ports: Ports, *, any_name: bool) -> Found:
    """The objects at a place, apart by whether they have a recording. Changes nothing.

    The place is `gs://bucket/prefix`, or a folder or file of this machine; `any_name`: also what does not look like media.

    Raises:
        BadRequest: there is no such place.
    """
    media, others = _objects(place, ports, any_name=any_name)
    with concurrency.ThreadPoolExecutor(READERS) as pool:
        new = list(pool.map(partial(_is_new, options=options, ports=ports), media))
    return Found(
        new=tuple(one for one, is_new in zip(media, new, strict=True) if is_new),
        known=new.count(False),
        others=others,
    )


def _is_new(one: StoredObject, options: Options | None, ports: Ports) -> bool | None:
    """Whether an object has no recording yet; None, with a line that says why, if that cannot be told."""
    try:
        return backfill.is_new(one, options, ports.records)
    except (Permanent, NewerVersion) as error:
        say(printable(f"Skipping {one.uri}: {error}"))
        return None


def _objects(place: str, ports: Ports, *, any_name: bool) -> tuple[list[StoredObject], int]:
    """The media at a place, and how many objects do not look like media."""
    scheme, _, rest = place.partition("://")
    if rest and scheme == "gs":
        bucket, _, prefix = rest.partition("/")
        if bucket in {ports.settings.transcripts_bucket, ports.settings.work_bucket}:
            raise BadRequest(f"gs://{bucket} holds outputs. Name a bucket with audio.")
        every = [one for one in ports.store.list(bucket, prefix) if one.is_upload]
        media = [one for one in every if any_name or _is_media(one)]
        return media, len(every) - len(media)
    if rest or not isinstance(ports, LocalPorts):
        raise BadRequest(f"{place} is not a bucket. Name gs://bucket/prefix.")
    if any_name:
        raise BadRequest("--any-name is for buckets. Give `dropscribe submit` a file with an unusual name.")
    folder, inbox = Path(place).resolve(), ports.inbox.resolve()
    if folder == inbox or inbox in folder.parents:
        raise BadRequest(
            f"{place} is in the inbox {ports.inbox}, all of which `dropscribe up` transcribes automatically. "
            f"For what it has not taken, use `dropscribe backfill gs://{ports.settings.audio_bucket}/`."
        )
    found = inputs.collect([Path(place)], never_below=[ports.inbox, ports.out, ports.settings.state_dir])
    return list(_files(found, ports)), found.passed_over


def _files(found: inputs.Inputs, ports: LocalPorts) -> Iterator[StoredObject]:
    for one in found.files:
        try:
            yield ports.file(one.path)
        except DropscribeError as error:
            say(printable(f"Skipping {one.path}: {error}"))


def _is_media(one: StoredObject) -> bool:
    suffix = Path(one.name).suffix.lower()
    return suffix in SUFFIXES or one.content_type.startswith(("audio/", "video/"))


def _send(new: Sequence[StoredObject], options: Options | None, per_minute: int, ports: Ports) -> int:
    """Ask for each object, no faster than that; returns how many were asked for before a person stopped it."""
    console = beside()
    begun, sent = concurrency.monotonic(), 0
    bar = Progress(
        TextColumn("{task.completed} of {task.total}"),
        BarColumn(),
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    try:
        with bar:
            for one in bar.track(new):
                if (early := begun + sent * 60 / per_minute - concurrency.monotonic()) > 0:
                    concurrency.sleep(early)
                try:
                    backfill.ask(one, options, ports)
                except StoreUnavailable as error:
                    said = broken_off(str(error), sent, len(new), "object", "asked for")
                    raise StoreUnavailable(said) from error
                sent += 1
    except KeyboardInterrupt:
        pass
    return sent


def _told(found: Found, estimate: Estimate) -> str:
    """What will be done: how many, how large, how long, at what cost."""
    size = human_size(sum(one.size for one in found.new))
    first = f"{counted(len(found.new), 'object')} without a recording, {size}"
    if found.known or found.others:
        first += f" ({found.known} with one, {found.others} that are not media)"
    if estimate.seconds is None:
        return f"{first}. Length and cost are not known without probing."
    about = f"about {human_duration(estimate.seconds)}"
    cost = (
        "unknown here" if estimate.usd is None else f"{'about ' * (estimate.usd > 0)}{dollars(estimate.usd)}"
    )
    told = (
        f"{first}. Length: {about}. Expected cost: {cost}. Both are from probes of {estimate.probed} of them"
    )
    return f"{told}; {estimate.refused} of these would be refused." if estimate.refused else f"{told}."
